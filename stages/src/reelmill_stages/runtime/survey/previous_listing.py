"""The previous listing of a source, to find new, changed and missing items in the current one.

Items are identified by their keys, and compared by a digest of their content. The listing is kept in a temporary SQLite
database, because a source may have millions of items.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from reelmill.contract.records.forgotten import is_forgotten
from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill_stages.file_names import folded
from reelmill_stages.host.temporary_database import TemporaryDatabase
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.sources import Listed
from reelmill_stages.sources.earlier_items import content_digest

NEW, SAME, CHANGED, AGAIN = "new", "same", "changed", "again"
_AFTER_TILDE = chr(ord("~") + 1)


@dataclass(frozen=True, slots=True)
class Look:
    """The result of comparing a listed row with the previous listing."""

    state: str
    failed: str = ""
    """Reason of a failed row in the previous listing that a new row replaces; otherwise empty."""
    times: int = 1
    """Number of rows with this key in the current listing so far."""


class PreviousListing(TemporaryDatabase):
    """The items and failed rows of the previous listing. Implements `sources.EarlierItems`. A context manager."""

    def __init__(self, data: DataSet) -> None:
        super().__init__()
        try:
            self._read_data_set(data)
        except BaseException:
            self._db.close()
            raise

    def _read_data_set(self, data: DataSet) -> None:
        self._db.execute("PRAGMA cache_size=-32768")
        self._db.execute(
            "CREATE TABLE known (key TEXT PRIMARY KEY, content TEXT, name TEXT, shape TEXT, seen INT) WITHOUT ROWID"
        )
        self._db.execute("BEGIN")
        for segment in data.segments():
            self._insert(_failed_row(row) for row in data.segment_ledger(segment))
            for part in segment.parts:
                self._insert(_item_row(item) for item in data.part_items(part) if not is_forgotten(item))
        self._db.execute("CREATE INDEX by_shape ON known (shape)")

    def look(self, listed: Listed) -> Look:
        """Compare a listed row, and mark it as seen.

        A row that failed before and is valid now is new; one that fails for the same reason is unchanged; an item whose
        row is invalid now has changed.
        """
        found = self._db.execute("SELECT content, seen FROM known WHERE key = ?", (listed.key,)).fetchone()
        if found is None:
            self._db.execute("INSERT INTO known VALUES (?, '', NULL, NULL, 1)", (listed.key,))
            return Look(NEW)
        before, seen = found
        self._db.execute("UPDATE known SET seen = seen + 1 WHERE key = ?", (listed.key,))
        if seen:
            return Look(AGAIN, times=seen + 1)
        if before == (_problem(listed.problem[0]) if listed.problem else _listed_digest(listed)):
            return Look(SAME)
        return Look(NEW, failed=before[1:]) if before.startswith("!") else Look(CHANGED)

    def vanished(self) -> Iterator[str]:
        """Keys of items that are missing in the current listing."""
        for (key,) in self._db.execute("SELECT key FROM known WHERE seen = 0 AND content NOT LIKE '!%' ORDER BY key"):
            yield key

    def keys(self, identity: str) -> Iterator[tuple[str, str]]:
        found = self._db.execute(
            "SELECT key, content FROM known WHERE key = ? OR (key > ? AND key < ?)",
            (identity, f"{identity}~", f"{identity}{_AFTER_TILDE}"),
        )
        for key, content in found.fetchall():
            yield key, "" if content.startswith("!") else content

    def several(self) -> Iterator[str]:
        for (key,) in self._db.execute("SELECT key FROM known WHERE key GLOB '*~????????*'").fetchall():
            yield key.rpartition("~")[0]

    def name(self, key: str) -> str | None:
        found = self._db.execute("SELECT name FROM known WHERE key = ?", (key,)).fetchone()
        return found[0] if found else None

    def holder(self, name: str) -> tuple[str, str] | None:
        found: tuple[str, str] | None = self._db.execute(
            "SELECT key, name FROM known WHERE shape = ?", (folded(name),)
        ).fetchone()
        return found

    def _insert(self, rows: Iterator[tuple[str, str, str | None]]) -> None:
        shaped = ((key, content, name, None if name is None else folded(name)) for key, content, name in rows)
        self._db.executemany("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, 0)", shaped)


def _item_row(item: Item) -> tuple[str, str, str | None]:
    name = item.fields.get("name")
    return item.key, content_digest(item.group, item.media, item.fields), name if isinstance(name, str) else None


def _listed_digest(listed: Listed) -> str:
    return content_digest(listed.group, listed.media, listed.fields)


def _failed_row(row: LedgerRow) -> tuple[str, str, str | None]:
    return row.key, _problem(row.reason) if row.outcome == Outcome.FAILED else "", None


def _problem(reason: str) -> str:
    return f"!{reason}"
