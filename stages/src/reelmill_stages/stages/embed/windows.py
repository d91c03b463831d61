"""Long clips in pieces: what a model that looks only a few frames far needs to give the same numbers.

A piece carries up to `halo` frames of its neighbours on each side; what it computes for those is thrown away. At the
ends of the clip there is nothing to carry, and the model's own zero padding is right.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """Frames [first, end) of a clip go in; of their features [drop, drop + keep) count."""

    first: int
    end: int
    drop: int
    keep: int


def windows(length: int, window: int, halo: int) -> Iterator[Window]:
    """Pieces of at most `window` frames that together give a feature for each of `length` frames, in order."""
    if length <= window:
        yield Window(0, length, 0, length)
        return
    step = window - 2 * halo
    for start in range(0, length, step):
        stop = min(start + step, length)
        first, end = max(0, start - halo), min(length, stop + halo)
        yield Window(first, end, start - first, stop - start)
