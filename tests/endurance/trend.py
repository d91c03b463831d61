"""Detection of growth in a series of samples, with a least squares line."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Trend:
    """The line through samples `(x, y)`: its mean, its slope per unit of x with standard error, and its rise."""

    mean: float
    slope: float
    error: float
    rise: float
    """Rise of the line over the samples, in units of y."""

    def flat(self, tolerance: float) -> bool:
        """Whether it rises by at most `tolerance` (in units of y), or by no more than chance explains."""
        return self.rise <= tolerance or self.slope <= 2 * self.error


def fit(samples: Sequence[tuple[float, float]]) -> Trend:
    """The line through at least three samples that differ in x. Raises ValueError for fewer."""
    if len({x for x, _ in samples}) < 3:
        raise ValueError("a trend needs three samples")
    count = len(samples)
    mean_x = sum(x for x, _ in samples) / count
    mean_y = sum(y for _, y in samples) / count
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread
    rest = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in samples)
    error = math.sqrt(rest / (count - 2) / spread)
    first, last = min(x for x, _ in samples), max(x for x, _ in samples)
    return Trend(mean_y, slope, error, slope * (last - first))


def exponent(samples: Sequence[tuple[float, float]]) -> float:
    """The exponent `k` of the power law `y = c * x ** k` that fits positive samples best."""
    return fit([(math.log(x), math.log(y)) for x, y in samples]).slope
