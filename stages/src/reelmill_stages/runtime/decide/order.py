"""The signatures of a pass in the order of decision: by rank, then by key, then in input order.

They are sorted in a temporary SQLite database on disk, so memory use is constant. The sort keys depend on the inputs
alone, so the order is the same for any division into shards.
"""

from binascii import a2b_base64
from collections.abc import Collection, Iterator
from itertools import repeat
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


class SignatureOrder(TemporaryDatabase):
    """Signatures to be sorted. A context manager."""

    def __init__(self) -> None:
        super().__init__()
        self._db.execute("PRAGMA page_size=16384")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("PRAGMA cache_size=-65536")
        self._db.execute(
            "CREATE TABLE s (rank REAL, key TEXT, shard INT, row INT, first INT, items INT, bytes INT, data BLOB)"
        )

    def add(self, shard: int, rows: Path, without: Collection[int] = ()) -> None:
        """Add a shard's file of signatures, whose content has been compared with its digest.

        Inputs whose row of the ledger is in `without` are left out.
        """
        self._db.execute("BEGIN")
        with rows.open("rb") as file:
            values = map(_values, file, repeat(shard))
            kept = (one for one in values if one[3] not in without) if without else values
            self._db.executemany("INSERT INTO s VALUES (?, ?, ?, ?, ?, ?, ?, ?)", kept)
        self._db.execute("COMMIT")

    def __iter__(self) -> Iterator[SignedInput]:
        # A custom stage may give two inputs of a pass the same key.
        rows = self._db.execute(
            "SELECT key, data, shard, row, first, items, bytes FROM s ORDER BY rank, key, shard, row"
        )
        return map(SignedInput._make, rows)


def _values(line: bytes, shard: int) -> tuple[object, ...]:
    """The values of a row of the table."""
    try:
        row = _DECODER.decode(line)
    except ValueError:
        return _other_values(decoded(line), shard)
    return row.rank, row.key, shard, row.row, row.first, row.items, row.input_bytes, row.data


def _other_values(row: dict[str, Any], shard: int) -> tuple[object, ...]:
    """The values of a row that only the standard library can decode."""
    place = row["row"], row["first"], row["items"], row.get("input_bytes")
    return row["rank"], row["key"], shard, *place, a2b_base64(row["data"])
