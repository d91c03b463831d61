"""Selection of frames from a clip: pure functions from times or numbers of frames to indices."""

from collections.abc import Sequence

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason

MOST = 10_000_000
"""Maximum number of frames selected from one clip: four days at 25 frames per second."""
TINY = 1e-9
"""Tolerance of comparisons, in seconds."""


def per_second(seconds: Sequence[float], end: float, fps: float) -> list[int]:
    """Return the frames shown at 0, 1/fps, 2/fps, … seconds after the first one, until the end of the last one.

    `seconds` are the times of the frames, of which there is at least one. A frame that is shown for long is repeated.
    Raises ItemError(`too_long`) for more than `MOST` frames: a damaged time may last for years.
    """
    if (end - seconds[0]) * fps > MOST:
        raise ItemError(
            ItemReason.TOO_LONG,
            f"{fps:g} frames for each of {end - seconds[0]:.0f} s are more than {MOST:,}: give a lower rate, or a span",
        )
    chosen: list[int] = []
    at = number = 0
    while (moment := seconds[0] + number / fps) < end - TINY or not chosen:
        while at + 1 < len(seconds) and seconds[at + 1] <= moment + TINY:
            at += 1
        chosen.append(at)
        number += 1
    return chosen


def middles(frames: int, count: int) -> list[int]:
    """Return the indices at the centres of `count` equal parts of `frames` frames, without duplicates."""
    return sorted({(2 * number + 1) * frames // (2 * count) for number in range(count)})
