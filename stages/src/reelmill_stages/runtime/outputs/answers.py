"""Answers of servers in the store: each is written once, before it is used.

So a killed pod, a twin or a retry does not pay for the same answer again. Each process records its own spending; the
sum of these records is the spending of the stage.
"""

import hashlib
import secrets
import time
from collections.abc import Mapping

from reelmill.contract.records.answers import KeptAnswer, Spending
from reelmill.contract.records.layout import DataSetPaths
from reelmill_stages.records.record_files import create, dump, load, peek
from reelmill_stages.store import Store

_LOOK_SECONDS = 10.0
"""Maximum age of the sum over all processes if the limit is far away, in seconds."""


class StoreAnswers:
    """Implements `stage.Answers` for one worker process of a run."""

    def __init__(self, store: Store, paths: DataSetPaths, run: str) -> None:
        self._store = store
        self._paths = paths
        self._record = paths.spent(run, secrets.token_hex(4))
        self._mine: dict[str, int] = {}
        self._known: dict[str, tuple[str, Spending]] = {}
        self._all: dict[str, int] = {}
        self._since: dict[str, int] = {}
        self._looked = -_LOOK_SECONDS

    def find(self, question: str) -> str | None:
        found = load(self._store, self._paths.answer(_digest(question)), KeptAnswer)
        return None if found is None else found.answer

    def keep(self, question: str, answer: str) -> str:
        digest = _digest(question)
        kept = KeptAnswer(question=f"sha256:{digest}", answer=answer)
        return create(self._store, self._paths.answer(digest), kept)[0].answer

    def spend(self, counters: Mapping[str, int]) -> None:
        for name, count in counters.items():
            self._mine[name] = self._mine.get(name, 0) + count
            self._since[name] = self._since.get(name, 0) + count
        self._store.write(self._record, dump(Spending(counters=self._mine)))

    def allows(self, counter: str, limit: int) -> bool:
        """Whether the spending is below the limit.

        The records are summed again if the sum is old, or if the limit may have been reached since, assuming that the
        other processes spend at the same rate as this one.
        """
        likely = self._all.get(counter, 0) + self._since.get(counter, 0) * max(len(self._known) + 1, 2)
        if likely >= limit or time.monotonic() - self._looked >= _LOOK_SECONDS:
            self._all = spent(self._store, self._paths, self._known)
            self._since = {}
            self._looked = time.monotonic()
        return self._all.get(counter, 0) + self._since.get(counter, 0) < limit


def spent(store: Store, paths: DataSetPaths, known: dict[str, tuple[str, Spending]] | None = None) -> dict[str, int]:
    """Counter -> spending of all processes of all passes. `known` caches records by key and ETag between calls."""
    known = {} if known is None else known
    totals: dict[str, int] = {}
    for stat in store.list(paths.spending):
        before = known.get(stat.key)
        if before is None or before[0] != stat.etag:
            found = peek(store, stat.key, Spending)
            if found is None:
                continue
            known[stat.key] = before = stat.etag, found
        for name, count in before[1].counters.items():
            totals[name] = totals.get(name, 0) + count
    return totals


def _digest(question: str) -> str:
    return hashlib.sha256(question.encode(errors="surrogatepass")).hexdigest()
