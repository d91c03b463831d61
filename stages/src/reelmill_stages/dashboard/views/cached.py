"""Cached values that are read again after some time: in the background for the list, on demand for one pipeline."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from reelmill.contract.errors import ReelmillError

T = TypeVar("T")

MOST = 256
"""Maximum number of values."""
SHARE = 10.0
"""Slow values are read less often: reading takes at most a tenth of the time."""
CLOSING = 1.0
"""Seconds that `Refreshed.close` waits for a read that has begun."""


BRIEFLY = 1.0
"""Minimum seconds for which a failure is cached.

After this time, users see that a problem is solved, and a server that is down does not get a request for every page. A
failure that took longer is cached for as long as it took.
"""


class Cached(Generic[T]):
    """Values by key, each at most `seconds` old; concurrent requests for one value share one read."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._values: OrderedDict[Hashable, tuple[float, T | ReelmillError]] = OrderedDict()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """Return the value of a key. Raises the ReelmillError of `read`, which is cached for a short time."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            with self._lock:
                known = self._values.get(key)
            if known and self._clock() < known[0]:
                return _value_or_raise(known[1])
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
            return _value_or_raise(value)


def _value_or_raise(value: T | ReelmillError) -> T:
    if isinstance(value, ReelmillError):
        raise value.with_traceback(None)  # otherwise each time would add its frames, with all objects in them
    return value


class Refreshed(Generic[T]):
    """A value that a thread reads repeatedly, so that requests do not wait for it. `start` it, then `close` it.

    The first time, `read` is called with a function that receives what is known of the value so far; later with None.
    """

    def __init__(self, read: Callable[[Callable[[T], None] | None], T], *, seconds: float) -> None:
        self._read = read
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="refresh", daemon=True)
        self.value: T | None = None
        """The value, or what is known of it while it is read for the first time; None: nothing yet."""
        self.at: float | None = None
        """Time of the last complete read, in seconds since the epoch."""
        self.problem = ""
        """Why the last read failed."""

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop reading. A read that has begun is awaited for a short time, so that it closes its connections."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(CLOSING)

    def _show(self, value: T) -> None:
        self.value = value

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self.value = self._read(self._show if self.at is None else None)
                self.at, self.problem = time.time(), ""
            except ReelmillError as error:
                self.problem = f"{error}; {error.hint}" if error.hint else str(error)
            except Exception as error:  # the page remains usable and reports it
                self.problem = f"internal error: {type(error).__name__}: {error}"
            share = 1.0 if self.problem else SHARE
            self._stop.wait(max(self._seconds, share * (time.monotonic() - began)))
