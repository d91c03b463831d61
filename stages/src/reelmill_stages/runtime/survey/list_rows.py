"""The rows of a source's lists in one listing, and the items that they point at.

They are not part of the items. A listing commits them if they differ from those of the previous one, even without new
items, so that later stages rebuild their views. Until then they are kept in a temporary SQLite database.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reelmill.contract.digest import canonical
from reelmill.contract.records.segment import Object
from reelmill_stages.host.temporary_database import TemporaryDatabase
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.row_files import RowFile
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.sources import Listed


class ListedRows(TemporaryDatabase):
    """The rows of a listing. A context manager."""

    def __init__(self) -> None:
        super().__init__()
        self._db.execute("CREATE TABLE found (key TEXT PRIMARY KEY, uri TEXT, text TEXT) WITHOUT ROWID")
        self._db.execute("BEGIN")

    def add(self, listed: Listed) -> None:
        """Add the rows of an item, or of an invalid row, which points at no item."""
        if listed.rows:
            uri = listed.media.uri if listed.media else ""
            text = canonical(list(listed.rows)).decode()
            self._db.execute("INSERT OR IGNORE INTO found VALUES (?, ?, ?)", (listed.key, uri, text))

    def differ(self, data: DataSet) -> bool:
        """Whether the rows differ from the last ones of a source's data set."""
        known = data.last.list_rows if data.last else None
        if known is None:
            return self._differ_from_items(data)
        with tempfile.TemporaryDirectory(dir=data.scratch) as folder:
            written = self._written(Path(folder))
            written.close()
            return written.digest != known.digest

    def upload(self, context: StepContext, key: str) -> Object:
        """Write the rows to the store."""
        with tempfile.TemporaryDirectory(dir=context.scratch) as folder:
            return self._written(Path(folder)).upload(context.store, key)

    def _written(self, folder: Path) -> RowFile:
        file = RowFile(folder / "lists.jsonl")
        for row in self._rows():
            file.append(row)
        return file

    def _rows(self) -> Iterator[dict[str, Any]]:
        for key, uri, text in self._db.execute("SELECT key, uri, text FROM found ORDER BY key"):
            yield {"key": key, "uri": uri, "rows": json.loads(text)}

    def _differ_from_items(self, data: DataSet) -> bool:
        """Compare with the items of a data set written by version 0.1.0, which have the rows in their field `lists`."""
        if self._count("uri = ''"):
            return True
        same = 0
        for item in data.items() if self._count("TRUE") else ():
            text = self._db.execute("SELECT text FROM found WHERE key = ?", (item.key,)).fetchone()
            if text is None or json.loads(text[0]) != item.fields.get("lists"):
                return True
            same += 1
        return same != self._count("TRUE")

    def _count(self, condition: str) -> int:
        (count,) = self._db.execute(f"SELECT COUNT(*) FROM found WHERE {condition}").fetchone()  # noqa: S608
        return int(count)
