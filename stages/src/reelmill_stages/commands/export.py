"""`reelmill export`: one plain folder of what a stage made, for a trainer that knows nothing of stores and segments.

The folder looks like the stage's data set (`0001/clips/…`, views on top) without reelmill's own records, and holds
committed files only. Paths inside of views are absolute; views of a `run` stage stay as its class made them. Files of
other stages that its items are (the tars of an index) lie below it under their names in the store.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from reelmill.contract.errors import SpecError, StoreError
from reelmill.contract.segment import Object
from reelmill.contract.task import Task
from reelmill_stages import registry
from reelmill_stages.commands.entry import data_set, stage_of, store_of
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.store import Store
from reelmill_stages.store.local.store import LocalStore

MARK = ".reelmill-export.json"
"""Says of which data set a folder is an export, so that two are never mixed in one."""

THREADS = 8


class Mode(StrEnum):
    """How a file comes into the folder."""

    LINK = "link"
    COPY = "copy"
    DOWNLOAD = "download"


def export(task: Task, env: Mapping[str, str], name: str, folder: Path, mode: str | None = None) -> dict[str, Any]:
    """Make or complete the export of a stage. Files that are there already are kept.

    Without a mode, a folder's files are linked and a bucket's downloaded. Gives `folder`, `files`, `bytes`, `mode`,
    `views`. Raises SpecError for a folder that holds something else, and for a link to what is not on this machine.
    """
    stage = stage_of(task, name)
    store = store_of(task, env)
    data = data_set(store, stage)
    if data.last is None:
        raise SpecError(f"the stage {name!r} has nothing yet", where=store.uri, hint="run the pipeline first")
    way = Mode(mode) if mode else (Mode.LINK if isinstance(store, LocalStore) else Mode.DOWNLOAD)
    if way is Mode.LINK and not isinstance(store, LocalStore):
        raise SpecError("a bucket cannot be linked to", where=store.uri, hint="say --mode download")
    folder = folder.absolute()
    _claim(folder, data)
    files = dict(_files(data))
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(partial(_place, store, folder, way), files, files.values()))
    record = data.record()
    views = record.views if record else ()
    # An export looks: views of a class of the user's own are copied as they are, its module is not imported.
    made = None if registry.own_code(stage.type, stage.params) else registry.stage(stage.type, dict(stage.params))
    for view in views:
        copied = _copy_view(data, view, folder)
        if made:
            made.localise(copied, folder)
    return {
        "folder": str(folder),
        "files": len(files) + len(views),
        "bytes": sum(output.size for output in files.values()),
        "mode": way.value,
        "views": list(views),
    }


def _claim(folder: Path, data: DataSet) -> None:
    mine = {"name": data.name, "key": data.names.key}
    mark = folder / MARK
    if mark.exists():
        if json.loads(mark.read_text()) != mine:
            raise SpecError("the folder holds the export of another data set", where=str(folder), hint="name another")
        return
    if folder.exists() and any(folder.iterdir()):
        raise SpecError("the folder is not empty", where=str(folder), hint="name a new one")
    folder.mkdir(parents=True, exist_ok=True)
    mark.write_text(json.dumps(mine) + "\n")


def _files(data: DataSet) -> Iterator[tuple[str, Object]]:
    """(place in the folder, object) of everything that the stage's items are made of."""
    root = f"{data.root}/"
    for output in data.files():
        yield output.key.removeprefix(root), output
    for item in data.items():
        media = item.media
        if media and not media.source and not media.uri.startswith(root) and "://" not in media.uri:
            yield media.uri, Object(key=media.uri, size=media.size, digest=media.digest)


def _place(store: Store, folder: Path, mode: Mode, name: str, output: Object) -> None:
    target = folder / name
    if target.exists() and target.stat().st_size == output.size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".incoming-", dir=folder) as temporary:
        fetched = store.fetch(output.key, Path(temporary))
        incoming = Path(temporary) / "file"
        if mode is Mode.LINK:
            incoming.symlink_to(fetched)
        elif isinstance(store, LocalStore):
            shutil.copyfile(fetched, incoming)
        else:
            incoming = fetched
        if mode is not Mode.LINK and output.digest and _digest(incoming) != output.digest:
            raise StoreError(
                "the object is not what was committed",
                where=f"{store.uri.rstrip('/')}/{output.key}",
                hint="somebody changed it; make it again by a new value of the stage's rerun",
            )
        os.replace(incoming, target)  # noqa: PTH105 - a link is moved, not what it points at


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _copy_view(data: DataSet, view: str, folder: Path) -> Path:
    target = folder / view
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    shutil.copyfile(data.fetch(data.names.view(view)), target)
    return target
