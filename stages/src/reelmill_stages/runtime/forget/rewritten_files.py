"""Rewriting of files of rows with anonymous rows.

A committed file has a name of one run and is never changed: the new file gets another name, and the record is changed
to it.
"""

import re
import secrets
import shutil
import tempfile
from contextlib import closing
from pathlib import Path

from reelmill.contract.digest import canonical
from reelmill.contract.errors import NotFound, StoreDamaged
from reelmill.contract.records.layout import RUN
from reelmill.contract.records.segment import Object
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.row_files import RowFile, rows_file
from reelmill_stages.records.rows.json_line import decoded
from reelmill_stages.runtime.forget.anonymous import Redact
from reelmill_stages.store import Store

_OF_RUN = re.compile(rf"-{RUN}\.jsonl$")


def rewritten(data: DataSet, file: Object, redact: Redact) -> Object | None:
    """The new file that replaces a committed one, in the same folder; None if there is nothing to change.

    Raises StoreDamaged, also for a file outside the data set, which no record of reelmill names.
    """
    if not file.key.startswith(f"{data.root}/") or ".." in file.key.split("/"):
        raise StoreDamaged(
            "a record of the data set names a file outside of it",
            where=file.key,
            hint="do not use this store: it was changed from outside",
        )
    folder = Path(tempfile.mkdtemp(prefix="forget-", dir=data.scratch))
    try:
        with rows_file(data.store, file.key, file.digest, data.scratch) as path:
            rows = _rewritten(path, redact, folder)
        if rows is None:
            return None
        return rows.upload(data.store, _OF_RUN.sub(f"-0-{secrets.token_hex(4)}.jsonl", file.key))
    finally:
        shutil.rmtree(folder)


def rewrite(store: Store, key: str, redact: Redact, scratch: Path) -> None:
    """Rewrite a file in place that no record names with a digest. Does nothing if it does not exist."""
    try:
        store.stat(key)
    except NotFound:
        return
    folder = Path(tempfile.mkdtemp(prefix="forget-", dir=scratch))
    try:
        with rows_file(store, key, "", scratch) as path:
            rows = _rewritten(path, redact, folder)
        if rows is not None:
            store.write(key, rows.path)
    finally:
        shutil.rmtree(folder)


def _rewritten(path: Path, redact: Redact, folder: Path) -> RowFile | None:
    changed = False
    with closing(RowFile(folder / "rows.jsonl")) as rows, path.open("rb") as file:
        for number, line in enumerate(file):
            row = decoded(line)
            found = redact(number, row) if isinstance(row, dict) else None
            if found is None or canonical(found) == canonical(row):
                rows.append_line(line.rstrip(b"\n"))
            else:
                rows.append(found)
                changed = True
    return rows if changed else None
