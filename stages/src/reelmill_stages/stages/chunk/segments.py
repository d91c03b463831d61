"""The labels of a chunk: shifted to its first frame and cut at its edges. Pure.

A label that crosses the edge of a chunk is in both, each time with the frames that the chunk has of it.
"""

from collections.abc import Iterable, Sequence

FRONT = "front"

Segment = tuple[int, int, str]
"""First frame, first frame after it, label."""


def segments(actions: Iterable[Sequence[int | str]], window: range, *, fill: bool) -> list[Segment]:
    """Of labels by the video's frame numbers those in `window`, counted from its start, in order.

    `fill` makes the frames that no label covers segments of their own, called front.
    """
    inside = []
    for first, after, label in actions:
        start = max(int(first), window.start) - window.start
        end = min(int(after), window.stop) - window.start
        if end > start:
            inside.append((start, end, str(label)))
    inside.sort()
    return _filled(inside, len(window)) if fill else inside


def _filled(inside: list[Segment], length: int) -> list[Segment]:
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
