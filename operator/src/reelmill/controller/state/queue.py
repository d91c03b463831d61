"""The work queue: each key is queued at most once and processed by at most one worker. Pure: no tasks, no clock.

A key that is added while a worker processes it is queued again when the worker is done. Delayed keys are kept in a
heap, from which superseded delays are removed once they are the majority: a delay may be a day long, and each
reconciliation sets a new one. A key that failed is queued again after a delay that doubles with each consecutive
failure.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from reelmill.contract.backoff import Backoff


class Priority(IntEnum):
    """Order of processing. Changes precede timers."""

    CHANGE = 0
    LOOK = 1


@dataclass(frozen=True, slots=True)
class TakenKey:
    """A key for a worker, and how long it was ready, in seconds."""

    key: str
    waited: float


RETRIES = Backoff(first=0.5, most=300.0, jitter=0.5)
"""Delays until a failed key is processed again."""


class WorkQueue:
    """The work queue. `clock` returns monotonic seconds; `chance` returns numbers in [0, 1]."""

    def __init__(self, *, clock: Callable[[], float], chance: Callable[[], float], backoff: Backoff = RETRIES) -> None:
        self._clock, self._chance, self._backoff = clock, chance, backoff
        self._ready: dict[Priority, dict[str, float]] = {priority: {} for priority in Priority}
        self._in_flight: dict[str, float] = {}
        self._dirty: dict[str, Priority] = {}
        self._delayed: list[tuple[float, str]] = []
        self._due: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self.adds = 0
        self.retries = 0

    def __len__(self) -> int:
        """Number of ready keys."""
        return sum(map(len, self._ready.values()))

    @property
    def in_flight(self) -> dict[str, float]:
        """Key -> start time, for keys that are being processed."""
        return dict(self._in_flight)

    def add(self, key: str, priority: Priority = Priority.CHANGE) -> None:
        """Queue a key. A key that is already ready keeps its position, or moves to a higher priority."""
        self.adds += 1
        self._add(key, priority)

    def _add(self, key: str, priority: Priority) -> None:
        if key in self._in_flight:
            self._dirty[key] = min(self._dirty.get(key, priority), priority)
            return
        since = self._clock()
        for other in Priority:
            if key in self._ready[other]:
                if other <= priority:
                    return
                since = self._ready[other].pop(key)
        self._ready[priority][key] = since

    def add_after(self, key: str, seconds: float) -> None:
        """Queue a key after a delay. Of two delays, the shorter one applies."""
        due = self._clock() + max(seconds, 0.0)
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
            heapq.heappush(self._delayed, (due, key))
            if len(self._delayed) > 2 * len(self._due):
                self._delayed = [(due, key) for key, due in self._due.items()]
                heapq.heapify(self._delayed)

    def take(self) -> TakenKey | None:
        """The next key for a worker, which must call `done` afterwards. A pending delay of the key is cleared."""
        self._move_due()
        for ready in self._ready.values():
            if ready:
                key = next(iter(ready))
                now = self._clock()
                waited = now - ready.pop(key)
                self._in_flight[key] = now
                self._due.pop(key, None)
                return TakenKey(key, max(waited, 0.0))
        return None

    def done(self, key: str) -> None:
        """Mark a key as processed."""
        del self._in_flight[key]
        if key in self._dirty:
            self._add(key, self._dirty.pop(key))

    def retry(self, key: str, least: float = 0.0) -> float:
        """Queue a failed key again after a backoff of at least `least` seconds; returns the delay in seconds."""
        self.retries += 1
        self._failures[key] = self._failures.get(key, 0) + 1
        delay = max(self._backoff.delay(self._failures[key], self._chance()), least)
        self.add_after(key, delay)
        return delay

    def succeeded(self, key: str) -> None:
        """Reset the backoff of a key."""
        self._failures.pop(key, None)

    def next_due(self) -> float | None:
        """Seconds until the next delayed key is ready; 0 if one is ready now, None if there is none."""
        self._move_due()
        if len(self):
            return 0.0
        return max(self._delayed[0][0] - self._clock(), 0.0) if self._delayed else None

    def oldest(self) -> float:
        """Seconds that the longest waiting key has been ready; 0 if there is none."""
        since = [next(iter(ready.values())) for ready in self._ready.values() if ready]
        return max(self._clock() - min(since), 0.0) if since else 0.0

    def _move_due(self) -> None:
        now = self._clock()
        while self._delayed and (self._delayed[0][0] <= now or self._is_superseded(*self._delayed[0])):
            due, key = heapq.heappop(self._delayed)
            if not self._is_superseded(due, key):
                del self._due[key]
                self.add(key, Priority.LOOK)

    def _is_superseded(self, due: float, key: str) -> bool:
        return self._due.get(key) != due
