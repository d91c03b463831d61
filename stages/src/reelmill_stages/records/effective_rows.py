"""The latest ledger row of each input, for data sets of millions of rows.

An input is identified by its key and its ordinal in the upstream, because a custom stage may give items of two passes
the same key. Rows of a listing all have the ordinal 0: a source identifies its rows by key alone.

Digests of keys are kept in a temporary SQLite database on disk, so memory use is constant.
"""

import hashlib
from collections.abc import Iterable, Iterator

from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill.contract.records.segment import Counts
from reelmill_stages.host.temporary_database import TemporaryDatabase


class LatestRows(TemporaryDatabase):
    """Effective rows: for each input, the row that was added last. A context manager."""

    def __init__(self) -> None:
        super().__init__()
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("PRAGMA cache_size=-32768")
        self._db.execute(
            "CREATE TABLE rows (key BLOB, ordinal INT, segment INT, code INT, PRIMARY KEY (key, ordinal)) WITHOUT ROWID"
        )
        self._codes: dict[tuple[str, str], int] = {}

    def add(self, segment: int, rows: Iterable[LedgerRow]) -> None:
        """Add the rows of a segment, replacing earlier rows of the same inputs; none is added if reading them fails."""
        self._db.execute("BEGIN")
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)",
                ((_digest(row.key), row.ordinal, segment, self._outcome_code(row.outcome, row.reason)) for row in rows),
            )

    def segment(self, row: LedgerRow) -> int | None:
        """The segment with the latest row of the same input, or None."""
        wanted = (_digest(row.key), row.ordinal)
        found = self._db.execute("SELECT segment FROM rows WHERE key = ? AND ordinal = ?", wanted).fetchone()
        return found[0] if found else None

    def keys(self) -> int:
        """Number of distinct keys, at most the number of inputs."""
        return int(self._db.execute("SELECT COUNT(DISTINCT key) FROM rows").fetchone()[0])

    def totals(self) -> tuple[Counts, dict[str, int]]:
        """(effective counts, with in = number of inputs; `outcome:reason` -> rows, for all outcomes except done)."""
        outcomes: dict[str, int] = {outcome.value: 0 for outcome in Outcome}
        reasons: dict[str, int] = {}
        for outcome, reason, rows in self._groups():
            outcomes[outcome] += rows
            if outcome != Outcome.DONE:
                name = f"{outcome}:{reason}"
                reasons[name] = reasons.get(name, 0) + rows
        inputs: int = self._db.execute("SELECT COUNT(*) FROM rows").fetchone()[0]
        return Counts.model_validate({"in": inputs, **outcomes}), dict(sorted(reasons.items()))

    def _groups(self) -> Iterator[tuple[str, str, int]]:
        names = {code: name for name, code in self._codes.items()}
        for code, rows in self._db.execute("SELECT code, COUNT(*) FROM rows GROUP BY code"):
            yield (*names[code], rows)

    def _outcome_code(self, outcome: Outcome, reason: str) -> int:
        return self._codes.setdefault((outcome.value, reason), len(self._codes))


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=16).digest()
