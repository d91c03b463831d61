"""Watchdog for a listing that makes no progress: a mount that does not respond, or user code that hangs.

Requests to a bucket have their own timeouts; calls to a file system and to an adapter have none.
"""

import os
import signal
import threading
from types import TracebackType
from typing import Self

from reelmill_stages.runtime.context import Interrupted
from reelmill_stages.runtime.supervision import ProgressClock


class Watchdog:
    """A context in which `mark` must be called repeatedly.

    It interrupts the main thread as SIGTERM does, and a survey raises `Interrupted` then. Code that never returns to
    Python is not interrupted: `supervise` ends the whole process a little later.
    """

    def __init__(self, source: str, clock: ProgressClock) -> None:
        self._source = source
        self._clock = clock
        self._over = threading.Event()
        self._barked = False
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def mark(self) -> None:
        """Record progress."""
        self._clock.mark()

    def __enter__(self) -> Self:
        self._clock.start(self._source)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise TransientError in place of the Interrupted that it caused."""
        self._over.set()
        self._thread.join()
        stalled = self._clock.error()
        self._clock.stop()
        if self._barked and isinstance(error, Interrupted):
            raise stalled from error

    def _watch(self) -> None:
        while not self._over.wait(max(self._clock.patience - self._clock.silence, 0.01)):
            if self._clock.silence >= self._clock.patience:
                self._barked = True
                os.kill(os.getpid(), signal.SIGTERM)
                return
