"""Retries with exponential backoff and jitter, limited in number and in time."""

import random
import time
from dataclasses import dataclass

from reelmill.contract.backoff import Backoff
from reelmill.contract.errors import ReelmillError, TransientError


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits of one call: total attempts, first and longest wait, and time after which no attempt starts, in
    seconds.
    """

    attempts: int = 8
    first: float = 0.2
    longest: float = 10.0
    seconds: float = 120.0


PATIENCE = Patience()


class Attempts:
    """The attempts of one call."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._started = time.monotonic()
        self.failed = 0
        self.repeated = False

    def again(self, error: ReelmillError) -> bool:
        """Record a failure; if another attempt is allowed, wait and return True."""
        self.failed += 1
        late = time.monotonic() - self._started > self._patience.seconds
        if not isinstance(error, TransientError) or self.failed >= self._patience.attempts or late:
            return False
        self.repeated = True
        backoff = Backoff(self._patience.first, self._patience.longest, jitter=0.5)
        time.sleep(backoff.delay(self.failed, random.random()))  # noqa: S311 - jitter, no secret
        return True

    def progressed(self) -> None:
        """Reset the number of failures after progress."""
        self.failed = 0
        self._started = time.monotonic()
