"""Reduction of frame values to one number per clip, with six significant digits; NaN and infinity are ignored."""

from collections.abc import Sequence
from math import ceil, fsum, isfinite


def reduced(values: Sequence[float], reduction: str) -> float | None:
    """Reduce values to one number, as specified by the block's `reduce`. None if no value is a finite number."""
    numbers = [value for value in values if isfinite(value)]
    if not numbers:
        return None
    word, _, limit = reduction.partition(" ")
    match word:
        case "mean":
            return fsum(numbers) / len(numbers)
        case "min":
            return min(numbers)
        case "max":
            return max(numbers)
        case "above":
            return sum(value > float(limit) for value in numbers) / len(numbers)
        case _:
            return percentile(numbers, int(word.removeprefix("p")))


def percentile(numbers: Sequence[float], share: int) -> float:
    """Return the nearest-rank percentile: the least value that is not less than `share` percent of all."""
    return sorted(numbers)[max(0, ceil(len(numbers) * share / 100) - 1)]


def rounded(value: float) -> float | None:
    """Return the value as it is stored; None unless it is finite. Integers stay integers."""
    if isinstance(value, int):
        return value
    return float(f"{value:.6g}") if isfinite(value) else None
