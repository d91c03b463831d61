"""Progress of each stage of a run: counts, rate and remaining time. Pure: the caller passes the time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reelmill.cli.display.output import duration
from reelmill.contract.status import StageStatus
from reelmill.contract.text.quantities import amount, count_of

OUTCOMES = ("done", "filtered", "failed", "skipped")


@dataclass(slots=True)
class Tally:
    """The progress of one stage in its current pass."""

    name: str
    state: str = "waiting"
    segment: int = 0
    total: int = 0
    """Number of input items of the pass; 0 if unknown."""
    began: float | None = None
    """Monotonic time in seconds at which the shards started."""
    shards: dict[int, Mapping[str, int]] = field(default_factory=dict)
    """Shard number -> its counts so far."""

    def take(self, stage: StageStatus, now: float) -> None:
        """Update from the planner's status of the stage."""
        self.state = stage.state
        if stage.pass_ is None:
            return
        if stage.pass_.segment != self.segment:
            self.segment, self.began, self.shards = stage.pass_.segment, None, {}
        self.total = stage.pass_.items
        if stage.pass_.step == "shards" and self.began is None:
            self.began = now

    def count(self, fields: Mapping[str, Any]) -> None:
        """Update from a progress record of a shard."""
        if fields.get("segment", self.segment) == self.segment:
            self.shards[int(fields.get("shard", 0))] = {name: int(fields.get(name, 0)) for name in OUTCOMES}

    def sum(self, outcome: str) -> int:
        return sum(counts.get(outcome, 0) for counts in self.shards.values())

    @property
    def seen(self) -> int:
        """Items with an outcome."""
        return sum(self.sum(outcome) for outcome in OUTCOMES)

    def rate(self, now: float) -> float:
        """Items per second since the shards started."""
        return self.seen / (now - self.began) if self.began is not None and now > self.began else 0.0

    def left(self, now: float) -> float | None:
        """Estimated seconds left; None until at least 3 items have an outcome."""
        rate = self.rate(now)
        return max(self.total - self.seen, 0) / rate if rate and self.total and self.seen >= 3 else None

    def line(self, now: float) -> str:
        """`clips: 120 of 340 items, 12.3/s, 18s left, 2 failed`."""
        parts = [f"{amount(self.seen)} of {count_of(self.total, 'item')}"]
        if rate := self.rate(now):
            parts.append(f"{rate:.1f}/s")
        if (left := self.left(now)) is not None and self.seen < self.total:
            parts.append(f"{duration(left)} left")
        parts += [f"{count} {word}" for word in ("failed", "filtered", "skipped") if (count := self.sum(word))]
        return f"{self.name}: {', '.join(parts)}"
