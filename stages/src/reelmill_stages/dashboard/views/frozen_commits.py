"""The numbers that the strip shows of shards' commits, cached because a commit never changes."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from reelmill.contract.errors import ReelmillError
from reelmill.contract.records.segment import ShardCommit
from reelmill_stages.records.record_files import peek
from reelmill_stages.store import Stat, Store

MOST = 20_000
"""Maximum number of cached commits of all stages."""


@dataclass(frozen=True, slots=True)
class ShardNumbers:
    """The numbers that a cell shows of a commit."""

    items_in: int
    lost: int
    failed: int
    seconds: float
    bytes: int


class FrozenCommits:
    """The numbers of commits, by store and object. Thread-safe."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str, str], ShardNumbers] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, store: Store, stat: Stat) -> ShardNumbers | None:
        """Return the numbers of a commit, in its listed version; None if it cannot be read."""
        place = (store.uri, stat.key, stat.etag)
        with self._lock:
            if known := self._known.get(place):
                self._known.move_to_end(place)
                return known
        try:
            commit = peek(store, stat.key, ShardCommit)
        except ReelmillError:
            return None
        if commit is None:
            return None
        counts = commit.counts
        found = ShardNumbers(counts.in_, counts.in_ - counts.done, counts.failed, commit.seconds, commit.bytes)
        with self._lock:
            self._known[place] = found
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return found
