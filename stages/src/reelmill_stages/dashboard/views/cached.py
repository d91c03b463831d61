"""Values that are read again after a while: in the background for the list, on demand for one pipeline."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from reelmill.contract.errors import ReelmillError

T = TypeVar("T")

MOST = 256
"""Values that are kept."""
SHARE = 10.0
"""A value that took long is read less often: reading takes at most a tenth of the time."""
CLOSING = 5.0
"""Seconds that `Refreshed.close` waits for a reading that has begun."""


BRIEFLY = 1.0
"""Seconds for which a failure is kept: whoever looks again sees that it is over, but a server that is away is not asked
for every page. What took long to fail is kept for as long as it took.
"""


class Cached(Generic[T]):
    """Values by a key, each at most `seconds` old; several who want one at once wait for one reading."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._values: OrderedDict[Hashable, tuple[float, T | ReelmillError]] = OrderedDict()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """The value of a key. Raises the ReelmillError that `read` raised, which is kept for a moment."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            with self._lock:
                known = self._values.get(key)
            if known and self._clock() < known[0]:
                return _told(known[1])
            began = self._clock()
            value: T | ReelmillError
            try:
                value = read()
            except ReelmillError as error:
                value = error
            took = self._clock() - began
            failed = isinstance(value, ReelmillError)
            kept = max(min(BRIEFLY, self._seconds), took) if failed else max(self._seconds, SHARE * took)
            with self._lock:
                self._values[key] = (self._clock() + kept, value)
                self._values.move_to_end(key)
                while len(self._values) > MOST:
                    gone, _ = self._values.popitem(last=False)
                    self._locks.pop(gone, None)
            return _told(value)


def _told(value: T | ReelmillError) -> T:
    if isinstance(value, ReelmillError):
        raise value.with_traceback(None)  # or each time would add its frames, with all that they hold
    return value


class Refreshed(Generic[T]):
    """A value that a thread reads again and again, so that nobody waits for it. `start` it, then `close` it."""

    def __init__(self, read: Callable[[], T], *, seconds: float) -> None:
        self._read = read
        self._seconds = seconds
        self._stop = threading.Event()
        self._first = threading.Event()
        self._thread = threading.Thread(target=self._run, name="refresh", daemon=True)
        self.value: T | None = None
        """None: not read yet."""
        self.at: float | None = None
        """When it was read, in seconds since the epoch."""
        self.problem = ""
        """Why it could not be read the last time."""

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Read no more. A reading that has begun is awaited, so that it closes its connections, but not for long."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(CLOSING)

    def wait(self, seconds: float) -> None:
        """Return when it was tried once, or after some time."""
        self._first.wait(seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self.value, self.at, self.problem = self._read(), time.time(), ""
            except ReelmillError as error:
                self.problem = f"{error}; {error.hint}" if error.hint else str(error)
            except Exception as error:  # the page lives on and says so
                self.problem = f"internal error: {type(error).__name__}: {error}"
            self._first.set()
            share = 1.0 if self.problem else SHARE
            self._stop.wait(max(self._seconds, share * (time.monotonic() - began)))
