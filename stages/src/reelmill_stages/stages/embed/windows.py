"""Division of long clips into windows, for models with a limited receptive field.

A window includes up to `halo` frames of its neighbours on each side, whose features are discarded. At the ends of the
clip, the zero padding of the model applies.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """Frames [first, end) of a clip are the input; of their features, [drop, drop + keep) are used."""

    first: int
    end: int
    drop: int
    keep: int


def windows(length: int, window: int, halo: int) -> Iterator[Window]:
    """Windows of at most `window` frames that together produce a feature for each of `length` frames, in order."""
    if length <= window:
        yield Window(0, length, 0, length)
        return
    step = window - 2 * halo
    for start in range(0, length, step):
        stop = min(start + step, length)
        first, end = max(0, start - halo), min(length, stop + halo)
        yield Window(first, end, start - first, stop - start)
