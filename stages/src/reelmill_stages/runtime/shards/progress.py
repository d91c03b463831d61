"""How far a shard is, as log lines that `reelmill run` and people read."""

import logging
import time
from typing import Any

from reelmill.contract.log import event
from reelmill.contract.record import Outcome

SECONDS = 1.5
"""Between two lines while something happens."""

log = logging.getLogger(__name__)


class Progress:
    """Counts settled inputs of a shard. Used by one thread at a time."""

    def __init__(self, stage: str, segment: int, shard: int, inputs: int) -> None:
        self._fields: dict[str, Any] = {"stage": stage, "segment": segment, "shard": shard, "in": inputs}
        self._counts = {outcome.value: 0 for outcome in Outcome}
        self._began = time.monotonic()
        self._last = self._began

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def count(self, outcome: Outcome) -> None:
        self._counts[outcome.value] += 1

    def tick(self) -> None:
        """A line when the last one is a while ago."""
        if time.monotonic() - self._last >= SECONDS:
            self.line()

    def line(self) -> None:
        self._last = time.monotonic()
        event(log, "progress", **self._fields, **self._counts, seconds=round(self.seconds, 1))
