"""Weights of items, with their units. No I/O."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weight:
    """The weight of items by unit: durations in seconds, sizes in bytes, and weights of unknown unit."""

    seconds: float = 0.0
    bytes: float = 0.0
    unknown: float = 0.0

    def __add__(self, other: "Weight") -> "Weight":
        return Weight(self.seconds + other.seconds, self.bytes + other.bytes, self.unknown + other.unknown)

    def scaled(self, factor: float) -> "Weight":
        """Return this weight multiplied by `factor`."""
        return Weight(self.seconds * factor, self.bytes * factor, self.unknown * factor)

    @property
    def total(self) -> float:
        """The sum over all units."""
        return self.seconds + self.bytes + self.unknown

    @property
    def duration(self) -> float | None:
        """Duration in seconds; None unless all weights are in seconds."""
        return None if self.bytes or self.unknown else self.seconds
