"""Small data sets in a folder, written as the runtime writes them."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill.contract.records.segment import Counts, Part, Segment, StageRecord
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.record_files import dump
from reelmill_stages.records.row_files import RowFile
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store


class Written:
    """A data set that grows by segments; item `n` has the key `k<n>`."""

    def __init__(self, folder: Path, *, name: str = "clips", run: str = "1-00000000") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.store: Store = open_store(str(folder / "store"), env={})
        self.names = DataSetPaths(name, "ab" * 32)
        self._run = run
        self._segments = 0
        self._items = 0

    @classmethod
    @contextmanager
    def temporary(cls) -> Iterator["Written"]:
        with tempfile.TemporaryDirectory() as folder:
            yield cls(Path(folder))

    def data(self) -> DataSet:
        return DataSet(self.store, self.names)

    def segment(self, fields: Sequence[dict[str, Any]], *, parts: int = 1, attempt: int = 1) -> list[str]:
        """Commit items with these fields; the names of the files of their rows."""
        self._segments += 1
        paths = self.names.segment(self._segments)
        size = -(-len(fields) // parts) or 1
        made: list[Part] = []
        for shard, first in enumerate(range(0, len(fields), size) or [0]):
            items, ledger = RowFile(self.folder / "items"), RowFile(self.folder / "ledger")
            for number, each in enumerate(fields[first : first + size]):
                key = f"k{self._items + number}"
                given = {name: value for name, value in each.items() if value is not None}
                items.append_line(_json(Item(key, number, key, 1.0, fields=given)))
                ledger.append(LedgerRow(key, number, Outcome.DONE, attempt=attempt).to_json())
            files = (
                items.upload(self.store, paths.items(shard, self._run)),
                ledger.upload(self.store, paths.ledger(shard, self._run)),
            )
            made.append(Part(items=files[0], ledger=files[1], count=items.count, weight=1.0, first_ordinal=self._items))
            self._items += items.count
        counts = Counts.model_validate({"in": self._items, "done": self._items})
        segment = Segment(
            state="committed",
            stage=self.names.name,
            key=self.names.key,
            segment=self._segments,
            kind="cover",
            counts=counts,
            totals=counts,
            items=len(fields),
            next_ordinal=self._items,
            parts=tuple(made),
        )
        self.store.write(paths.segment_json, dump(segment))
        record = StageRecord(
            stage=self.names.name,
            key=self.names.key,
            segment=self._segments,
            definition={"stage": "clip", "version": 1, "params": {}},
            coverage={},
            totals=counts,
            items=self._items,
        )
        self.store.write(self.names.stage_json, dump(record))
        return [part.items.key for part in made if part.items]

    def break_(self, key: str) -> None:
        """Damage an object."""
        data = bytearray(self.store.read(key))
        data[len(data) // 2] ^= 0xFF
        self.store.write(key, bytes(data))


def _json(item: Item) -> bytes:
    """A row; also with numbers that canonical JSON refuses."""
    import json

    return json.dumps(item.to_json(), ensure_ascii=False, separators=(",", ":")).encode()
