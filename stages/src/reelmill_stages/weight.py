"""Weights of items, with their units. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weight:
    """The weight of items by its unit: durations in seconds, sizes in bytes, and what is known to be neither."""

    seconds: float = 0.0
    bytes: float = 0.0
    unknown: float = 0.0

    def __add__(self, other: "Weight") -> "Weight":
        return Weight(self.seconds + other.seconds, self.bytes + other.bytes, self.unknown + other.unknown)

    def scaled(self, factor: float) -> "Weight":
        """This weight a number of times."""
        return Weight(self.seconds * factor, self.bytes * factor, self.unknown * factor)

    @property
    def total(self) -> float:
        """The sum, whatever the units."""
        return self.seconds + self.bytes + self.unknown

    @property
    def duration(self) -> float | None:
        """Seconds, where that is the unit of all; otherwise None."""
        return None if self.bytes or self.unknown else self.seconds
