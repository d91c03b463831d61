"""Ends a listing that makes no progress: a mount that does not answer, or code of the user's that waits for ever.

Requests to a bucket have time limits of their own; calls to a file system and to an adapter have none.
"""

import os
import signal
import threading
from time import monotonic
from types import TracebackType
from typing import Self

from reelmill.contract.errors import TransientError
from reelmill_stages.runtime.context import Interrupted

PATIENCE_SECONDS = 1800.0
"""Seconds without a row, an object or an answer after which a listing ends."""


class Watchdog:
    """A context in which something must call `mark` again and again.

    It interrupts the main thread as SIGTERM does, which a survey answers with `Interrupted`. Code that never returns to
    Python is not reached.
    """

    def __init__(self, source: str, seconds: float) -> None:
        self._source = source
        self._seconds = seconds
        self._last = monotonic()
        self._over = threading.Event()
        self._barked = False
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def mark(self) -> None:
        """There was progress."""
        self._last = monotonic()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raises TransientError in place of the Interrupted that it caused."""
        self._over.set()
        self._thread.join()
        if self._barked and isinstance(error, Interrupted):
            raise TransientError(
                f"listing this source made no progress for {self._seconds:g} s",
                where=self._source,
                hint="check the disk or mount of the source, and its adapter if it is your own; then run again",
            ) from error

    def _watch(self) -> None:
        while not self._over.wait(max(self._last + self._seconds - monotonic(), 0.01)):
            if monotonic() - self._last >= self._seconds:
                self._barked = True
                os.kill(os.getpid(), signal.SIGTERM)
                return
