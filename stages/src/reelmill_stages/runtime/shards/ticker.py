"""A periodic action whose failure does not interrupt the main work."""

import logging
import time
from collections.abc import Callable

from reelmill.contract.errors import ReelmillError

log = logging.getLogger(__name__)


class Ticker:
    """Calls `action` at the first tick and then every `seconds`; a ReelmillError is only logged."""

    def __init__(self, action: Callable[[], None], seconds: float) -> None:
        self._action = action
        self._seconds = seconds
        self._next = 0.0

    def tick(self) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._seconds
            try:
                self._action()
            except ReelmillError as error:
                log.warning("%s", error)
