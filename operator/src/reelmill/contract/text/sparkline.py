"""A histogram in one line of text."""

from collections.abc import Sequence

_BARS = " ▁▂▃▄▅▆▇█"


def sparkline(counts: Sequence[int]) -> str:
    """One character per bin, as high as its share of the largest; a bin that is not empty shows."""
    tallest = max(counts, default=0) or 1
    return "".join(_BARS[max(round(count / tallest * 8), 1) if count else 0] for count in counts)
