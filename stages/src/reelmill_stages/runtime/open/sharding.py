"""Where to cut a row of items into parts: contiguous, balanced by weight, never through a file or a group.

Cuts lie at multiples of `batch` (items that end up in one file), so that files do not depend on the number of parts;
that is a promise about bytes and holds always. A group (the clips of one video) is not split either, with one
exception: where batches leave no cut between groups within half a part of the ideal one, the batch wins, because a
split group costs only a second look at its video. With a batch of 1 there is no exception.
"""

import math
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate

TARGET_SECONDS = 900.0
"""Work in one shard when the number is left to us: a quarter of an hour."""

MAX_SHARDS = 2000

_BYTES_PER_SECOND = 250_000.0
_ITEM_SECONDS = 0.05


@dataclass(slots=True)
class ItemSequence:
    """The items to cut, in order: their weights, and where groups begin. Nine bytes an item."""

    weights: "array[float]" = field(default_factory=lambda: array("d"))
    starts: bytearray = field(default_factory=bytearray)
    """1 where an item begins a group, else 0."""
    video_seconds: float = 0.0

    def append(self, weight: float, *, starts: bool, is_bytes: bool) -> None:
        """Add an item; `is_bytes` where its weight is not in seconds."""
        self.weights.append(weight)
        self.starts.append(starts)
        self.video_seconds += weight / _BYTES_PER_SECOND if is_bytes else weight

    def __len__(self) -> int:
        return len(self.weights)


def auto_count(row: ItemSequence, pace: float, workers: int) -> int:
    """Shards of about `TARGET_SECONDS` of work each, at most `MAX_SHARDS`; `pace` as in `Stage.pace`."""
    work = (row.video_seconds * pace + len(row) * _ITEM_SECONDS) / max(workers, 1)
    return max(1, min(MAX_SHARDS, math.ceil(work / TARGET_SECONDS)))


def cut(row: ItemSequence, parts: int, *, batch: int = 1) -> list[tuple[int, int]]:
    """At most `parts` stretches [first, end), none empty, that together are the row; fewer where cuts are rare."""
    total = len(row)
    if total == 0:
        return []
    sums = array("d", accumulate(max(weight, 1e-9) for weight in row.weights))
    ideal = sums[-1] / max(parts, 1)
    bounds = [0]
    for part in range(1, parts):
        found = _nearest(row, sums, part * ideal, batch, slack=ideal / 2)
        if found is not None and bounds[-1] < found < total:
            bounds.append(found)
    return list(zip(bounds, [*bounds[1:], total], strict=True))


def _nearest(row: ItemSequence, sums: "array[float]", target: float, batch: int, *, slack: float) -> int | None:
    """The allowed cut whose sum of weights before it is nearest to `target`; None where there is none."""
    centre = bisect_left(sums, target)
    below = _scan(row, centre // batch * batch, -batch)
    above = _scan(row, centre // batch * batch + batch, batch)
    clean = [place for place in (below, above) if place is not None]
    best = min(clean, key=lambda place: abs(sums[place - 1] - target), default=None)
    if batch == 1 or (best is not None and abs(sums[best - 1] - target) <= slack):
        return best
    torn = [place for place in (centre // batch * batch, centre // batch * batch + batch) if 0 < place < len(row)]
    return min(torn, key=lambda place: abs(sums[place - 1] - target), default=best)


def _scan(row: ItemSequence, place: int, step: int) -> int | None:
    """The first place from `place` on that is inside the row and between groups."""
    while 0 < place < len(row):
        if row.starts[place]:
            return place
        place += step
    return None
