"""Progress of a shard, as log records that `reelmill run` also reads."""

import logging
import time
from typing import Any

from reelmill.contract.log import event
from reelmill.contract.records.rows import Outcome

SECONDS = 1.5
"""Seconds between two progress records."""

log = logging.getLogger(__name__)


class Progress:
    """Counts the outcomes of a shard's inputs. Not thread-safe."""

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
        """Log a record if the interval has passed."""
        if time.monotonic() - self._last >= SECONDS:
            self.line()

    def line(self) -> None:
        self._last = time.monotonic()
        event(log, "progress", **self._fields, **self._counts, seconds=round(self.seconds, 1))
