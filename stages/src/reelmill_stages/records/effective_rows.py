"""Determines the latest ledger row of each key, for data sets of millions of rows.

Digests of keys are kept in a temporary SQLite database on disk, so memory use is constant.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill.contract.records.segment import Counts


class LatestRows:
    """Effective rows: the row of each key that was added last. A context manager."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("PRAGMA cache_size=-32768")
        self._db.execute("CREATE TABLE rows (key BLOB PRIMARY KEY, segment INT, code INT) WITHOUT ROWID")
        self._codes: dict[tuple[str, str], int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def add(self, segment: int, rows: Iterable[LedgerRow]) -> None:
        """Add the rows of a segment, replacing earlier rows with the same keys; none of them if reading them fails."""
        self._db.execute("BEGIN")
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)",
                ((_digest(row.key), segment, self._code(row.outcome, row.reason)) for row in rows),
            )

    def segment(self, key: str) -> int | None:
        """The segment with the latest row of a key, or None."""
        found = self._db.execute("SELECT segment FROM rows WHERE key = ?", (_digest(key),)).fetchone()
        return found[0] if found else None

    def totals(self) -> tuple[Counts, dict[str, int]]:
        """(effective counts, with in = number of distinct keys; `outcome:reason` -> rows, for all outcomes but
        done).
        """
        outcomes: dict[str, int] = {outcome.value: 0 for outcome in Outcome}
        reasons: dict[str, int] = {}
        for outcome, reason, rows in self._groups():
            outcomes[outcome] += rows
            if outcome != Outcome.DONE:
                name = f"{outcome}:{reason}"
                reasons[name] = reasons.get(name, 0) + rows
        distinct: int = self._db.execute("SELECT COUNT(*) FROM rows").fetchone()[0]
        return Counts.model_validate({"in": distinct, **outcomes}), dict(sorted(reasons.items()))

    def _groups(self) -> Iterator[tuple[str, str, int]]:
        names = {code: name for name, code in self._codes.items()}
        for code, rows in self._db.execute("SELECT code, COUNT(*) FROM rows GROUP BY code"):
            yield (*names[code], rows)

    def _code(self, outcome: Outcome, reason: str) -> int:
        return self._codes.setdefault((outcome.value, reason), len(self._codes))


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=16).digest()
