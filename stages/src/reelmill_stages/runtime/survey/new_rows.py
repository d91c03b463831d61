"""New rows of a listing, kept on disk until all are known, and sorted so that the rows of a group are contiguous."""

from collections.abc import Iterator
from typing import Any

from reelmill_stages.host.temporary_database import TemporaryDatabase
from reelmill_stages.records.rows.canonical_row import canonical_row
from reelmill_stages.records.rows.json_line import decoded
from reelmill_stages.sources import Listed


class NewRows(TemporaryDatabase):
    """New rows, in order of the first appearance of their groups. A context manager."""

    def __init__(self) -> None:
        super().__init__()
        self._db.execute("CREATE TABLE ranks (name TEXT PRIMARY KEY, rank INT) WITHOUT ROWID")
        self._db.execute(
            "CREATE TABLE rows (rank INT, number INT, key TEXT, row BLOB, replaces TEXT, place INT,"
            " PRIMARY KEY (rank, number)) WITHOUT ROWID"
        )
        self._db.execute("BEGIN")
        self._keys = 0
        self.count = 0

    def add(self, listed: Listed, *, replaces: str) -> None:
        """Add a row; `replaces` is the reason of a failed row with the same key that it replaces, or empty."""
        rank = self._rank(listed.group)
        self.count += 1
        text = canonical_row(_to_json(listed))
        place = None if listed.problem else listed.position
        values = (rank, self.count, listed.key, text, replaces, place)
        self._db.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?)", values)

    def stretches(self, parts: int, least: int) -> list[int]:
        """Lengths of at most `parts` ranges of at least `least` rows each, without splitting groups."""
        lengths: list[int] = []
        length, left = 0, self.count
        for (size,) in self._db.execute("SELECT COUNT(*) FROM rows GROUP BY rank ORDER BY rank"):
            length += size
            if length >= max(least, left / max(parts - len(lengths), 1)):
                lengths.append(length)
                left -= length
                length = 0
        if length and lengths and length < least:
            lengths[-1] += length
        elif length:
            lengths.append(length)
        return lengths

    def rows(self, first: int = 0) -> Iterator[tuple[dict[str, Any], str]]:
        """(row, reason of the failed row that it replaces or empty), in order.

        The positions of valid rows are made consecutive, starting at `first`.
        """
        ranked = "ROW_NUMBER() OVER (PARTITION BY place IS NULL ORDER BY place) - 1"
        found = self._db.execute(
            f"SELECT row, replaces, CASE WHEN place IS NULL THEN NULL ELSE {ranked} END"  # noqa: S608
            " FROM rows ORDER BY rank, number"
        )
        for text, replaces, nth in found:
            yield decoded(text) | {"position": None if nth is None else first + nth}, replaces

    def _rank(self, group: str) -> int:
        found = self._db.execute("SELECT rank FROM ranks WHERE name = ?", (group,)).fetchone()
        if found:
            return int(found[0])
        self._keys += 1
        self._db.execute("INSERT INTO ranks VALUES (?, ?)", (group, self._keys))
        return self._keys


def _to_json(listed: Listed) -> dict[str, Any]:
    return {
        "key": listed.key,
        "group": listed.group,
        "weight": listed.weight,
        "media": listed.media.to_json() if listed.media else None,
        "fields": dict(listed.fields),
        "problem": list(listed.problem) if listed.problem else None,
    }
