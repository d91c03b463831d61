"""What a run has in flight, in the store, so that an item that takes the whole pod down with it is found.

A worker that dies leaves a pod that knows what it worked on; a pod that is killed leaves nothing but this. Each run
notes that it began and, however it ends, that it did. A run that finds one that never ended writes down what it hands
to its workers, before it does; one that finds such notes tries the items in them alone, one at a time. An item that was
alone in flight in two runs that never ended is `failed(crash)`. A lost node costs an item nothing but a turn alone.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from reelmill.contract.errors import NotFound, ReelmillError
from reelmill.contract.layout import SegmentPaths
from reelmill.contract.model import Model
from reelmill_stages.records.records import dump, parse
from reelmill_stages.store import Store

ALONE = 2
"""An item that was alone in flight in so many crashes is failed."""


class CrashSuspects(Model):
    """Keys of the items in flight; `alone` when they are one item that was tried by itself."""

    items: tuple[str, ...] = ()
    alone: bool = False


class Flight:
    """The note of one run, and those of runs before it that never ended."""

    def __init__(self, store: Store, paths: SegmentPaths, shard: int, run: str) -> None:
        self._store = store
        self._key = paths.flight(shard, run)
        self._suspects: set[str] = set()
        self._alone: Counter[str] = Counter()
        self.careful = False
        """A run before this one never ended."""
        for stat in store.list(paths.flights(shard)):
            with suppress(NotFound):  # its run has just ended
                self._take(parse(store.read(stat.key), stat.key, CrashSuspects))
        self._write(CrashSuspects())

    def _take(self, note: CrashSuspects) -> None:
        self.careful = True
        self._suspects |= set(note.items)
        if note.alone:
            self._alone.update(note.items)

    def is_suspect(self, key: str) -> bool:
        """Whether an item was in flight in a run that never ended."""
        return key in self._suspects

    def is_fatal(self, key: str) -> bool:
        """Whether an item has ended enough pods."""
        return self._alone[key] >= ALONE

    def note(self, keys: Sequence[str], *, alone: bool) -> None:
        """Write down what is in flight, where there is a reason to."""
        if self.careful:
            self._write(CrashSuspects(items=tuple(keys), alone=alone))

    def end(self) -> None:
        """This run ends, and not by a crash; a store that is gone is let be."""
        with suppress(ReelmillError):
            self._store.delete(self._key)

    def _write(self, note: CrashSuspects) -> None:
        self._store.write(self._key, dump(note))
