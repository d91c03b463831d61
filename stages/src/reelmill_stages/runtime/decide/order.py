"""The signatures of a pass in the order of decision: by rank, then by key, then in input order.

Few signatures are sorted in memory. More are moved to a temporary SQLite database on disk, so memory use is bounded.
The sort keys depend on the inputs alone, so the order is the same for any division into shards.
"""

from binascii import a2b_base64
from collections.abc import Collection, Iterator
from itertools import islice, repeat
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from reelmill_stages.host.temporary_database import TemporaryDatabase
from reelmill_stages.records.rows.json_line import decoded
from reelmill_stages.stage import Signed


class SignedInput(NamedTuple):
    """An input of a pass, and its position in the files of its shard."""

    key: str
    data: bytes
    shard: int
    row: int
    first: int
    items: int
    input_bytes: int | None

    @property
    def signed(self) -> Signed:
        return Signed(self.key, self.data)


class _Row(msgspec.Struct, gc=False):
    """A row of a file of signatures in its usual form; `data` is in base64."""

    rank: float
    key: str
    row: int
    first: int
    items: int
    data: bytes
    input_bytes: int | None = None


_DECODER = msgspec.json.Decoder(_Row)
_IN_MEMORY = 1 << 25
"""Approximate maximum size in bytes of the inputs in memory."""
_OVERHEAD = 512
"""Approximate size in memory, in bytes, of an input without its signature."""
_BATCH = 4096
"""Number of inputs that are read before their size is checked."""

_Values = tuple[float, str, int, int, int, int, int | None, bytes]
"""(rank, key, shard, row, first, items, input_bytes, data) of an input, sorted by the first four."""


class SignatureOrder(TemporaryDatabase):
    """Signatures to be sorted. A context manager."""

    def __init__(self, *, in_memory: int = _IN_MEMORY) -> None:
        """`in_memory`: approximate maximum size in bytes of the inputs in memory."""
        super().__init__()
        self._db.execute("PRAGMA page_size=16384")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("PRAGMA cache_size=-65536")
        self._waiting: list[_Values] = []
        self._size = 0
        self._in_memory = in_memory
        self._has_table = False

    def add(self, shard: int, rows: Path, without: Collection[int] = ()) -> None:
        """Add a shard's file of signatures, whose content has been compared with its digest.

        Inputs whose row of the ledger is in `without` are left out.
        """
        with rows.open("rb") as file:
            values = map(_values, file, repeat(shard))
            kept = (one for one in values if one[3] not in without) if without else values
            while batch := list(islice(kept, _BATCH)):
                self._waiting += batch
                self._size += sum([len(one[-1]) for one in batch]) + len(batch) * _OVERHEAD
                if self._size > self._in_memory:
                    self._move_to_table()

    def __iter__(self) -> Iterator[SignedInput]:
        # A custom stage may give two inputs of a pass the same key.
        if not self._has_table:
            for _, key, shard, row, first, items, size, data in sorted(self._waiting):
                yield SignedInput(key, data, shard, row, first, items, size)
            return
        self._move_to_table()
        rows = self._db.execute(
            "SELECT key, data, shard, row, first, items, bytes FROM s ORDER BY rank, key, shard, row"
        )
        yield from map(SignedInput._make, rows)

    def _move_to_table(self) -> None:
        """Move the inputs in memory to the database."""
        self._db.execute("BEGIN")
        if not self._has_table:
            self._db.execute(
                "CREATE TABLE s (rank REAL, key TEXT, shard INT, row INT, first INT, items INT, bytes INT, data BLOB)"
            )
            self._has_table = True
        self._db.executemany("INSERT INTO s VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._waiting)
        self._db.execute("COMMIT")
        self._waiting, self._size = [], 0


def _values(line: bytes, shard: int) -> _Values:
    """The values of an input."""
    try:
        row = _DECODER.decode(line)
    except ValueError:
        return _other_values(decoded(line), shard)
    return row.rank, row.key, shard, row.row, row.first, row.items, row.input_bytes, row.data


def _other_values(row: dict[str, Any], shard: int) -> _Values:
    """The values of a row that only the standard library can decode."""
    place = row["row"], row["first"], row["items"], row.get("input_bytes")
    return row["rank"], row["key"], shard, *place, a2b_base64(row["data"])
