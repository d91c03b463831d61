"""A histogram in one line of text."""

from collections.abc import Sequence

_BARS = " ▁▂▃▄▅▆▇█"


def sparkline(counts: Sequence[int]) -> str:
    """One character per bin, with a height relative to the largest bin; bins that are not empty are always visible."""
    tallest = max(counts, default=0) or 1
    return "".join(_BARS[max(round(count / tallest * 8), 1) if count else 0] for count in counts)
