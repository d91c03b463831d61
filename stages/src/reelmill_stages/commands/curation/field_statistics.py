"""Histograms of numeric fields and the most frequent values of others, over items that are read twice.

Only the bins and at most `MOST_VALUES` values of a field are in memory, whatever the number of items.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from reelmill.contract.commands.tuning import Histogram, ValueCount, Values
from reelmill.contract.records.rows import Item
from reelmill_stages.records.rows.item_values import ABSENT, Value, value_of

BINS = 40
MOST_VALUES = 1000
"""Different values of a field, above which they are not counted any more."""
_SHOWN = 12
_LONGEST = 60


class FieldStatistics:
    """What is known of one field after all items were added once; then they are binned."""

    def __init__(self, name: str, *, missing: int = 0) -> None:
        """`missing` items were added before, and had no such field."""
        self.name = name
        self.value: Value = value_of(name)
        self._numbers = 0
        self._missing = missing
        self._others = 0
        self._least, self._most = math.inf, -math.inf
        self._sum = 0.0
        self._values: Counter[str] | None = Counter()
        self._edges: list[float] = []
        self._counts: list[int] = []

    def add(self, item: Item) -> None:
        """Count the item's value."""
        value = self.value(item)
        kind = type(value)
        if value is ABSENT:
            self._missing += 1
        elif (kind is float or kind is int) and math.isfinite(value):
            self._numbers += 1
            self._least, self._most = min(self._least, value), max(self._most, value)
            self._sum += value
        else:
            self._others += 1
            if self._values is not None:
                self._values[(value if kind is str else str(value))[:_LONGEST]] += 1
                if len(self._values) > MOST_VALUES:
                    self._values = None

    def begin_bins(self, limits: Sequence[float]) -> None:
        """Make the bins, from the least to the largest value, or to a limit that is not much farther."""
        if not self._numbers:
            return
        room = (self._most - self._least) / 2
        near = [at for at in limits if self._least - room <= at <= self._most + room]
        first, last = min(self._least, *near, self._most), max(self._most, *near, self._least)
        last = last if last > first else first + 1
        self._edges = [first + (last - first) * place / BINS for place in range(BINS)] + [last]
        self._counts = [0] * BINS

    def bin(self, item: Item) -> None:
        """Count the item in its bin."""
        value = self.value(item)
        if self._counts and type(value) in (int, float) and math.isfinite(value):
            first, last = self._edges[0], self._edges[-1]
            self._counts[min(int((value - first) / (last - first) * BINS), BINS - 1)] += 1

    def histogram(self) -> Histogram | None:
        """The histogram; None if no item has a number there."""
        if not self._numbers:
            return None
        return Histogram(
            field=self.name,
            items=self._numbers,
            missing=self._missing,
            bad=self._others,
            least=self._least,
            most=self._most,
            mean=self._sum / self._numbers,
            edges=self._edges,
            counts=self._counts,
        )

    def values(self) -> Values | None:
        """The most frequent values that are no numbers; None if there are none."""
        if not self._others:
            return None
        common = self._values.most_common(_SHOWN) if self._values is not None else []
        return Values(
            field=self.name,
            items=self._others,
            distinct=None if self._values is None else len(self._values),
            values=[ValueCount(value=value, items=items) for value, items in common],
        )


def measured_fields(item: Item) -> Iterable[str]:
    """Names of the measures that an item has."""
    measures = item.fields.get("measures")
    return [f"measures.{name}" for name in measures] if isinstance(measures, dict) else ()
