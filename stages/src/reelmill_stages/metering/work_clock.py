"""A clock of what this process spends time on: decoding, computing, the store, or waiting.

There is one clock per process, for its main thread. Each moment counts once, for the innermost open `on`: a read from
the store while decoding counts as waiting for the store. Other threads are not measured.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TypeVar

from reelmill.contract.records.usage import Bound, WorkSeconds

T = TypeVar("T")


class WorkClock:
    """Seconds by kind of work. Only one thread is measured; calls from other threads have no effect."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.restart()

    def restart(self, base: Bound = Bound.WAITING) -> None:
        """Reset the clock and measure the calling thread. Time outside any `on` counts as `base`."""
        self._thread = threading.get_ident()
        self._spent = dict.fromkeys(Bound, 0.0)
        self._on = [base]
        self._since = self._now()

    def on(self, what: Bound) -> "_Span":
        """Return a context in which time counts as `what`."""
        return _Span(self, what)

    def take(self) -> WorkSeconds:
        """Return the time spent since the previous call."""
        self._charge()
        spent, self._spent = self._spent, dict.fromkeys(Bound, 0.0)
        return WorkSeconds(**{what.value: seconds for what, seconds in spent.items()})

    def begin(self, what: Bound) -> None:
        """Count time as `what` from now on, until `end`."""
        if threading.get_ident() == self._thread:
            self._charge()
            self._on.append(what)

    def end(self) -> None:
        """Undo the last `begin`."""
        if threading.get_ident() == self._thread:
            self._charge()
            self._on.pop()

    def _charge(self) -> None:
        now = self._now()
        self._spent[self._on[-1]] += now - self._since
        self._since = now


class _Span:
    __slots__ = ("_clock", "_what")

    def __init__(self, clock: WorkClock, what: Bound) -> None:
        self._clock = clock
        self._what = what

    def __enter__(self) -> None:
        self._clock.begin(self._what)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._clock.end()


CLOCK = WorkClock()
"""The clock of this process."""


def decoding(frames: Iterable[T]) -> Iterator[T]:
    """Yield the same frames; time spent producing the next frame counts as decoding."""
    source = iter(frames)
    while True:
        with CLOCK.on(Bound.DECODE):
            frame = next(source, None)
        if frame is None:
            return
        yield frame
