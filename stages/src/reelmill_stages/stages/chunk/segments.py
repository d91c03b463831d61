"""The labels of a chunk, relative to its first frame and cut at its boundaries. Pure.

A label that crosses a boundary is in both chunks, each with its part of the frames.
"""

from collections.abc import Iterable, Sequence

FRONT = "front"

Segment = tuple[int, int, str]
"""(first frame, end frame (exclusive), label)."""


def segments(actions: Iterable[Sequence[int | str]], window: range, *, fill: bool) -> list[Segment]:
    """The labels within `window`, relative to its start, in order; `actions` use frame numbers of the video.

    With `fill`, frames without a label become segments with the label `front`.
    """
    inside = []
    for first, after, label in actions:
        start = max(int(first), window.start) - window.start
        end = min(int(after), window.stop) - window.start
        if end > start:
            inside.append((start, end, str(label)))
    inside.sort()
    return _with_gaps_filled(inside, len(window)) if fill else inside


def _with_gaps_filled(inside: list[Segment], length: int) -> list[Segment]:
    filled: list[Segment] = []
    covered = 0
    for segment in inside:
        if segment[0] > covered:
            filled.append((covered, segment[0], FRONT))
        filled.append(segment)
        covered = max(covered, segment[1])
    if covered < length:
        filled.append((covered, length, FRONT))
    return filled
