"""Retries with exponential backoff and jitter, limited in number and in time: the requests of all remote stores."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from reelmill.contract.backoff import Backoff, chance
from reelmill.contract.errors import ReelmillError, TransientError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits of one call.

    Total attempts, first and longest wait, and the time after which no attempt starts except the second, in seconds.
    The time counts from the beginning, or from the last sign of progress.
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
        # A long request may fail for the first time after more than this time.
        late = self.failed > 1 and time.monotonic() - self._started > self._patience.seconds
        if not isinstance(error, TransientError) or self.failed >= self._patience.attempts or late:
            return False
        self.repeated = True
        backoff = Backoff(self._patience.first, self._patience.longest, jitter=0.5)
        time.sleep(backoff.delay(self.failed, chance()))
        return True

    def wait_or_raise(self, problem: ReelmillError, error: Exception) -> None:
        """Wait for the next attempt, or raise the problem, with the error that it was converted from as its cause."""
        if not self.again(problem):
            raise problem from (None if problem is error else error)

    def progressed(self) -> None:
        """Reset the number of failures after progress."""
        self.failed = 0
        self.moved()

    def moved(self) -> None:
        """Restart the time of the call, because data is being transferred, even if it does not arrive."""
        self._started = time.monotonic()


class Retries:
    """Sends requests, and retries them if that may help.

    `explain` converts an exception of the client about the object with this key (empty: about the whole store); None
    for one that does not concern the store.
    """

    def __init__(self, patience: Patience, explain: Callable[[Exception, str], ReelmillError | None]) -> None:
        self._patience = patience
        self._explain = explain

    def attempts(self) -> Attempts:
        """Return the attempts of a call that consists of several requests."""
        return Attempts(self._patience)

    def call(self, key: str, request: Callable[[], T], attempts: Attempts | None = None) -> T:
        """Return the result of the request. Raises the converted error of the last attempt."""
        attempts = attempts or self.attempts()
        while True:
            try:
                return request()
            except Exception as error:
                self.again(key, error, attempts)

    def again(self, key: str, error: Exception, attempts: Attempts) -> None:
        """Wait for the next attempt, or raise the converted error."""
        problem = self._explain(error, key)
        if problem is None:
            raise error
        attempts.wait_or_raise(problem, error)
