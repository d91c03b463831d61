"""The items with values closest to a limit of a rule, on both sides of it, at most one per video."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from reelmill.contract.records.rows import Item

Limit = Literal["min", "max"]


@dataclass(order=True, frozen=True, slots=True)
class _Near:
    """An item. The farther item compares as smaller; of equally far ones, the later."""

    distance: float
    ordinal: int
    value: float = field(compare=False)
    item: Item = field(compare=False)


class BorderItems:
    """The nearest items to one limit: `count` that the rule keeps, and `count` that it drops."""

    def __init__(self, rule: str, limit: Limit, at: float, count: int) -> None:
        self.rule = rule
        self.limit: Limit = limit
        self.at = at
        self._count = count
        self._sides: dict[bool, list[_Near]] = {True: [], False: []}

    def add(self, item: Item, value: float) -> None:
        """Add an item with this value as a candidate."""
        kept = value >= self.at if self.limit == "min" else value <= self.at
        near, side = _Near(-abs(value - self.at), -item.ordinal, value, item), self._sides[kept]
        if len(side) == self._count and near < side[0]:
            return
        same = next((other for other in side if _video(other.item) == _video(item)), None)
        if same is not None:
            if near > same:
                side[side.index(same)] = near
                heapq.heapify(side)
        elif len(side) < self._count:
            heapq.heappush(side, near)
        else:
            heapq.heapreplace(side, near)

    def nearest(self, *, kept: bool) -> Iterator[tuple[Item, float]]:
        """The items on one side with their values, the nearest first."""
        for near in sorted(self._sides[kept], reverse=True):
            yield near.item, near.value


def _video(item: Item) -> str:
    """The video that an item is from."""
    return str(item.fields.get("vid") or item.group)
