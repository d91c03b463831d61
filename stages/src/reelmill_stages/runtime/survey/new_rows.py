"""New rows of a listing on their way to segments: kept on disk until it is known how many there are.

Here the rows of a group are brought together: what follows counts on groups being contiguous.
"""

import json
import sqlite3
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from reelmill_stages.sources import Listed


class NewRows:
    """New listed rows in order of their groups' first appearance. A context manager."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("CREATE TABLE ranks (name TEXT PRIMARY KEY, rank INT) WITHOUT ROWID")
        self._db.execute(
            "CREATE TABLE rows (rank INT, number INT, key TEXT, row TEXT, replaces TEXT, PRIMARY KEY (rank, number)) "
            "WITHOUT ROWID"
        )
        self._db.execute("BEGIN")
        self._keys = 0
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def add(self, listed: Listed, *, replaces: str) -> None:
        """Add a row; `replaces` is the reason of the failed row of the same key that it replaces, if any."""
        rank = self._rank(listed.group)
        self.count += 1
        text = json.dumps(_to_json(listed))
        self._db.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", (rank, self.count, listed.key, text, replaces))

    def stretches(self, parts: int, least: int) -> list[int]:
        """Numbers of rows in at most `parts` stretches of at least `least` rows, none of which splits a group."""
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

    def rows(self) -> Iterator[tuple[dict[str, Any], str]]:
        """The rows in order, and the reason of the failed row that each replaces, if any."""
        for text, replaces in self._db.execute("SELECT row, replaces FROM rows ORDER BY rank, number"):
            yield json.loads(text), replaces

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
