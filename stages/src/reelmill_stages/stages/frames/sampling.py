"""Which frames a sample takes: pure functions from a number of frames to indices.

All indices count from the first frame of the clip and never fall. A clip shorter than asked gives every frame once and
then its last one again, as CLIP4MC's own loader sees it; how often is part of the choice, so that it is recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from reelmill.contract.spec.stages.frames import FramesBlock

LOADER_STEP = 16
"""CLIP4MC's loader takes every (N // 16)-th frame: N must be a multiple of it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`indices` into the clip's frames, the last `padded` of them repeats of the clip's last frame."""

    indices: tuple[int, ...]
    padded: int = 0


def choose(block: FramesBlock, seconds: Sequence[float], end: float) -> Choice:
    """The frames of a clip whose frames are shown at `seconds`, the last one until `end`. Needs at least one frame."""
    frames = len(seconds)
    if block.all:
        return padded(range(frames), frames, LOADER_STEP)
    if block.fps is not None:
        return padded(per_second(seconds, end, block.fps), frames, LOADER_STEP if block.layout == "clip4mc" else 1)
    if frames < block.count:
        return padded(range(frames), frames, block.count)
    return {"loader": loader, "linspace": linspace, "segments": segments}[block.sampling](frames, block.count)


def loader(frames: int, count: int) -> Choice:
    """I * (N // count) over the clip padded with its last frame to N, a multiple of `count`."""
    step = ceil(frames / count)
    last = frames - 1
    return Choice(
        tuple(min(number * step, last) for number in range(count)),
        sum(number * step > last for number in range(count)),
    )


def linspace(frames: int, count: int) -> Choice:
    """From the first frame to the last at equal distance, rounded down."""
    return Choice(tuple(number * (frames - 1) // max(1, count - 1) for number in range(count)))


def segments(frames: int, count: int) -> Choice:
    """The middle of `count` equal parts."""
    return Choice(tuple((2 * number + 1) * frames // (2 * count) for number in range(count)))


def per_second(seconds: Sequence[float], end: float, fps: float) -> list[int]:
    """The frames on screen at 0, 1/fps, 2/fps, … after the first one, until the last one ends."""
    chosen: list[int] = []
    at = number = 0
    while (moment := seconds[0] + number / fps) < end - 1e-9 or not chosen:
        while at + 1 < len(seconds) and seconds[at + 1] <= moment + 1e-9:
            at += 1
        chosen.append(at)
        number += 1
    return chosen


def padded(indices: Sequence[int], frames: int, step: int) -> Choice:
    """The last of `frames` repeated until the number is a multiple of `step`."""
    missing = -len(indices) % step
    return Choice((*indices, *([frames - 1] * missing)), missing)
