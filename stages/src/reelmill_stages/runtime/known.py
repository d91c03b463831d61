"""What a source has listed before, so that a listing adds only what is new and notices what changed or vanished.

An item is identified by its key, the size and version of its object and the digest of its row. Kept in a temporary
SQLite database: a source may have millions of items.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from reelmill.contract.digest import fingerprint
from reelmill.contract.record import Item, LedgerRow, Media, Outcome
from reelmill_stages.dataset import DataSet
from reelmill_stages.sources import Listed

NEW, SAME, CHANGED, AGAIN = "new", "same", "changed", "again"


@dataclass(frozen=True, slots=True)
class Look:
    """What a listed row is compared with what is known."""

    state: str
    failed: str = ""
    """New, but a failed row of this reason is known: the new one replaces it."""
    times: int = 1
    """How often this listing has had the key."""


def identity(key: str, group: str, media: Media | None, fields: Any) -> str:
    """What must be equal for an item to be the one that was listed. Its weight is derived from these."""
    return fingerprint([key, group, media.to_json() if media else None, dict(fields)])[:32]


class Known:
    """Items and failed rows of a source. A context manager."""

    def __init__(self, data: DataSet) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA cache_size=-32768")
        self._db.execute("CREATE TABLE known (key TEXT PRIMARY KEY, identity TEXT, seen INT) WITHOUT ROWID")
        self._db.execute("BEGIN")
        for segment in data.segments():
            self._insert(_failed(row) for row in data.segment_ledger(segment))
            for part in segment.parts:
                self._insert(_item(item) for item in data.part_items(part))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def look(self, listed: Listed) -> Look:
        """What a listed row is; marks it as seen.

        A row that failed before and is fine now is new; one that fails as before is the same; an item whose row has a
        problem now has changed.
        """
        found = self._db.execute("SELECT identity, seen FROM known WHERE key = ?", (listed.key,)).fetchone()
        if found is None:
            self._db.execute("INSERT INTO known VALUES (?, '', 1)", (listed.key,))
            return Look(NEW)
        before, seen = found
        self._db.execute("UPDATE known SET seen = seen + 1 WHERE key = ?", (listed.key,))
        if seen:
            return Look(AGAIN, times=seen + 1)
        if before == (_problem(listed.problem[0]) if listed.problem else _listed(listed)):
            return Look(SAME)
        return Look(NEW, failed=before[1:]) if before.startswith("!") else Look(CHANGED)

    def vanished(self) -> Iterator[str]:
        """Keys of items that were not seen since."""
        for (key,) in self._db.execute("SELECT key FROM known WHERE seen = 0 AND identity NOT LIKE '!%' ORDER BY key"):
            yield key

    def _insert(self, rows: Iterator[tuple[str, str]]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO known VALUES (?, ?, 0)", rows)


def _item(item: Item) -> tuple[str, str]:
    return item.key, identity(item.key, item.group, item.media, item.fields)


def _listed(listed: Listed) -> str:
    return identity(listed.key, listed.group, listed.media, listed.fields)


def _failed(row: LedgerRow) -> tuple[str, str]:
    return row.key, _problem(row.reason) if row.outcome == Outcome.FAILED else ""


def _problem(reason: str) -> str:
    return f"!{reason}"
