"""Selection of frames. Pure functions from a number of frames to indices.

Indices are relative to the first frame of the clip, in ascending order. If the clip has too few frames, its last frame
is repeated, as in CLIP4MC's loader; the number of repeats is recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from reelmill.contract.spec.stages.frames import FramesBlock
from reelmill_stages.media.timeline.selection import per_second

LOADER_STEP = 16
"""CLIP4MC's loader reads every (N // 16)-th frame, so N must be a multiple of this."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`indices` into the clip's frames, the last `padded` of them repeats of the clip's last frame."""

    indices: tuple[int, ...]
    padded: int = 0


def choose(block: FramesBlock, seconds: Sequence[float], end: float) -> Choice:
    """Select frames of a clip with at least one frame; `seconds` are their times, `end` is the end of the last one."""
    frames = len(seconds)
    if block.all:
        return padded(range(frames), frames, LOADER_STEP)
    if block.fps is not None:
        return padded(per_second(seconds, end, block.fps), frames, LOADER_STEP if block.layout == "clip4mc" else 1)
    if frames < block.count:
        return padded(range(frames), frames, block.count)
    return {"loader": loader, "linspace": linspace, "segments": segments}[block.sampling](frames, block.count)


def loader(frames: int, count: int) -> Choice:
    """Return indices i * ceil(N / count).

    This is what `[::N // count]` takes of the clip padded with its last frame to the next multiple of `count`, as in
    CLIP4MC's loader.
    """
    step = ceil(frames / count)
    last = frames - 1
    return Choice(
        tuple(min(number * step, last) for number in range(count)),
        sum(number * step > last for number in range(count)),
    )


def linspace(frames: int, count: int) -> Choice:
    """Evenly spaced indices from the first to the last frame, rounded down."""
    return Choice(tuple(number * (frames - 1) // max(1, count - 1) for number in range(count)))


def segments(frames: int, count: int) -> Choice:
    """The centres of `count` equal parts."""
    return Choice(tuple((2 * number + 1) * frames // (2 * count) for number in range(count)))


def padded(indices: Sequence[int], frames: int, step: int) -> Choice:
    """Repeat the last of `frames` frames until the number is a multiple of `step`."""
    missing = -len(indices) % step
    return Choice((*indices, *([frames - 1] * missing)), missing)
