"""Division of a sequence of items into contiguous shards of about equal weight, without splitting files or groups.

Boundaries are always multiples of `batch` (the number of items per file), so that files do not depend on the number of
shards. Groups (the clips of one video) are not split, with one exception: if no multiple of `batch` between groups is
within half a shard of the ideal boundary, a group is split, which only means that its video is read twice. With a batch
of 1, groups are never split.
"""

import math
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate

TARGET_SECONDS = 900.0
"""Target duration of a shard in seconds with `shards: auto`."""

MAX_SHARDS = 2000

_BYTES_PER_SECOND = 250_000.0
_ITEM_SECONDS = 0.05


@dataclass(slots=True)
class ItemSequence:
    """The items to divide, in order, in 9 bytes per item."""

    weights: "array[float]" = field(default_factory=lambda: array("d"))
    starts: bytearray = field(default_factory=bytearray)
    """1 for the first item of a group, otherwise 0."""
    video_seconds: float = 0.0

    def append(self, weight: float, *, starts: bool, is_bytes: bool) -> None:
        """Add an item; `is_bytes` means that its weight is in bytes, not in seconds."""
        self.weights.append(weight)
        self.starts.append(starts)
        self.video_seconds += seconds_of_bytes(weight) if is_bytes else weight

    def __len__(self) -> int:
        return len(self.weights)


def auto_count(row: ItemSequence, pace: float, workers: int) -> int:
    """Number of shards of about `TARGET_SECONDS` each, at most `MAX_SHARDS`; `pace` is that of the stage."""
    return shards_for(len(row), row.video_seconds, pace, workers)


def shards_for(items: int, video_seconds: float, pace: float, workers: int) -> int:
    """The number of shards, as `auto_count`, for this number of items and seconds of video."""
    work = (video_seconds * pace + items * _ITEM_SECONDS) / max(workers, 1)
    return max(1, min(MAX_SHARDS, math.ceil(work / TARGET_SECONDS)))


def seconds_of_bytes(size: float) -> float:
    """Estimated seconds of video in a file of this size."""
    return size / _BYTES_PER_SECOND


def cut(row: ItemSequence, parts: int, *, batch: int = 1) -> list[tuple[int, int]]:
    """Divide the row into at most `parts` non-empty ranges [first, end); fewer if there are not enough boundaries."""
    total = len(row)
    if total == 0:
        return []
    sums = array("d", accumulate(max(weight, 1e-9) for weight in row.weights))
    ideal = sums[-1] / max(parts, 1)
    bounds = [0]
    for part in range(1, parts):
        found = _nearest_boundary(row, sums, part * ideal, batch, slack=ideal / 2)
        if found is not None and bounds[-1] < found < total:
            bounds.append(found)
    return list(zip(bounds, [*bounds[1:], total], strict=True))


def _nearest_boundary(
    row: ItemSequence, sums: "array[float]", target: float, batch: int, *, slack: float
) -> int | None:
    """The allowed boundary with the sum of weights before it nearest to `target`; None if there is none."""
    centre = bisect_left(sums, target)
    below = _next_boundary(row, centre // batch * batch, -batch)
    above = _next_boundary(row, centre // batch * batch + batch, batch)
    clean = [place for place in (below, above) if place is not None]
    best = min(clean, key=lambda place: abs(sums[place - 1] - target), default=None)
    if batch == 1 or (best is not None and abs(sums[best - 1] - target) <= slack):
        return best
    torn = [place for place in (centre // batch * batch, centre // batch * batch + batch) if 0 < place < len(row)]
    return min(torn, key=lambda place: abs(sums[place - 1] - target), default=best)


def _next_boundary(row: ItemSequence, place: int, step: int) -> int | None:
    """The first boundary between groups from `place` on, in steps of `step`; None if there is none."""
    while 0 < place < len(row):
        if row.starts[place]:
            return place
        place += step
    return None
