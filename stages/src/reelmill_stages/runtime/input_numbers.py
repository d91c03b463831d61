"""The numbers of a pass's inputs, which are used in file names and determine the first inputs. Pure functions.

Inputs are processed group by group, so that a video is fetched once. If their source has its own order, such as that of
a metadata file, they have positions, and their numbers follow these; otherwise, the order of processing.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from reelmill.contract.ranges import format_ranges
from reelmill.contract.records.rows import Item
from reelmill.contract.records.segment import Pass

NO_POSITION = -1
"""Placeholder for the position of an input that has none."""


def position_ranges(positions: Sequence[int]) -> str:
    """The ranges of an upstream's positions for `Pass.positions`; empty if an input has none, or if two share one."""
    distinct = set(positions)
    return "" if NO_POSITION in distinct or len(distinct) < len(positions) else format_ranges(distinct)


class InputNumbers:
    """The numbers of the inputs of one pass; those of each upstream follow those of the one before it."""

    def __init__(self, plan: Pass) -> None:
        counts: dict[str, int] = {}
        for piece in (piece for shard in plan.shards for piece in shard.slices):
            counts[piece.upstream] = counts.get(piece.upstream, 0) + piece.count
        first = plan.first_ordinal
        self._ranked: dict[str, tuple[int, list[int], list[int]]] = {}
        for upstream, count in counts.items():
            if text := plan.positions.get(upstream):
                self._ranked[upstream] = (first, *_ranks(text))
            first += count

    def of(self, upstream: str, item: Item, placed: int) -> int:
        """The number of an input; `placed` is its number in the order of processing."""
        if upstream not in self._ranked or item.position is None:
            return placed
        first, starts, ranks = self._ranked[upstream]
        run = bisect_right(starts, item.position) - 1
        return first + ranks[run] + item.position - starts[run]


def _ranks(text: str) -> tuple[list[int], list[int]]:
    """The first position of each range, and the number of smaller positions."""
    runs = [tuple(map(int, part.split("-"))) for part in text.split(",")]
    return [run[0] for run in runs], list(accumulate((run[-1] - run[0] + 1 for run in runs[:-1]), initial=0))
