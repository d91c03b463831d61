"""The values of one field over any number of items: histogram and quantiles of numbers, counts of other values.

Numbers are written to a temporary file, 8 bytes each, which is read in blocks once all are known. Of other values, the
most frequent are counted. Memory use is bounded, and every item is read once.
"""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reelmill.contract.commands.tuning import Histogram, ValueCount, Values
from reelmill.contract.records.rows import Item
from reelmill_stages.records.rows.item_values import ABSENT, Value, value_of

BINS = 40
MOST_VALUES = 1000
"""Number of distinct non-numeric values of a field above which they are no longer counted."""
QUANTILES = (1, 5, 25, 50, 75, 95, 99)
"""Percentiles by the nearest-rank method: each is the value of an item."""
EXACT = 1 << 22
"""Number of values up to which quantiles are exact. Beyond it, they are those of bins of 1/65,536 of the range."""
_FINE = 1 << 16
_BLOCK = 1 << 16
_SHOWN = 12
_LONGEST = 60
_LARGEST = 1e200
"""Numbers above this, infinities and NaN are counted as non-numeric values: a range with them has no width."""

Numbers = NDArray[np.float64]


class FieldValues:
    """The values added so far. The file `path` must not exist."""

    def __init__(self, name: str, path: Path, *, missing: int = 0, value: Value | None = None) -> None:
        """`missing` items without the field were added before. `value` returns the field; default: by its name."""
        self.name = name
        self.value: Value = value or value_of(name)
        self._path = path
        self._missing = missing
        self._block: array[float] = array("d")
        self.numbers = 0
        self.others = 0
        self._least, self._most = math.inf, -math.inf
        self._sum = 0.0
        self._values: Counter[str] | None = Counter()

    def add(self, item: Item) -> None:
        """Add the item's value."""
        value = self.value(item)
        kind = type(value)
        if value is ABSENT:
            self._missing += 1
        elif (kind is float or kind is int) and -_LARGEST <= value <= _LARGEST:
            self._add_number(value)
        else:
            self.others += 1
            if self._values is not None:
                self._values[_text(value)] += 1
                if len(self._values) > MOST_VALUES:
                    self._values = None

    def _add_number(self, value: float) -> None:
        self.numbers += 1
        self._least, self._most = min(self._least, value), max(self._most, value)
        self._sum += value
        self._block.append(value)
        if len(self._block) == _BLOCK:
            with self._path.open("ab") as file:
                self._block.tofile(file)
            del self._block[:]

    def histogram(self, limits: Sequence[float] = ()) -> Histogram | None:
        """The histogram from the smallest value to the largest, or to a nearby limit above it; None without numbers."""
        if not self.numbers:
            return None
        room = (self._most - self._least) / 2
        near = [at for at in limits if self._least - room <= at <= self._most + room]
        first, last = min(self._least, *near, self._most), max(self._most, *near, self._least)
        last = last if last > first else first + max(1.0, abs(first) * 1e-9)
        return self._histogram(first, last, [first + (last - first) * place / BINS for place in range(BINS)] + [last])

    def within(self, edges: Sequence[float]) -> Histogram | None:
        """The histogram with the edges of another one; None if they do not contain all numbers."""
        if not self.numbers or not edges[0] <= self._least <= self._most <= edges[-1]:
            return None
        return self._histogram(edges[0], edges[-1], list(edges))

    def _histogram(self, first: float, last: float, edges: list[float]) -> Histogram:
        return Histogram(
            field=self.name,
            items=self.numbers,
            missing=self._missing,
            bad=self.others,
            least=self._least,
            most=self._most,
            mean=self._sum / self.numbers,
            edges=edges,
            counts=self._bin_counts(first, last, BINS).tolist(),
        )

    def quantiles(self) -> dict[str, float]:
        """`p01` to `p99`; empty without numbers."""
        if not self.numbers:
            return {}
        ranks = {f"p{percent:02d}": max(1, math.ceil(percent * self.numbers / 100)) for percent in QUANTILES}
        if self.numbers <= EXACT:
            values = np.sort(np.concatenate([np.empty(0), *self._blocks()]))
            return {name: float(values[rank - 1]) for name, rank in ranks.items()}
        if self._least == self._most:
            return dict.fromkeys(ranks, self._least)
        reached = np.cumsum(self._bin_counts(self._least, self._most, _FINE))
        width = (self._most - self._least) / _FINE
        return {name: self._least + int(np.searchsorted(reached, rank)) * width for name, rank in ranks.items()}

    def values(self) -> Values | None:
        """The most frequent non-numeric values; None if there are none."""
        if not self.others:
            return None
        common = sorted(self._values.items(), key=lambda pair: (-pair[1], pair[0])) if self._values is not None else []
        return Values(
            field=self.name,
            items=self.others,
            distinct=None if self._values is None else len(self._values),
            values=[ValueCount(value=value, items=items) for value, items in common[:_SHOWN]],
        )

    def _bin_counts(self, first: float, last: float, bins: int) -> NDArray[np.int64]:
        counts = np.zeros(bins, dtype=np.int64)
        for block in self._blocks():
            places = ((block - first) / (last - first) * bins).astype(np.int64)
            counts += np.bincount(np.minimum(places, bins - 1), minlength=bins)
        return counts

    def _blocks(self) -> Iterator[Numbers]:
        if self._path.exists():
            with self._path.open("rb") as file:
                while data := file.read(8 * _BLOCK):
                    yield np.frombuffer(data, dtype=np.float64)
        yield np.array(self._block, dtype=np.float64)


def _text(value: Any) -> str:
    """A non-numeric value as text; booleans as in JSON."""
    if type(value) is bool:
        return "true" if value else "false"
    return (value if type(value) is str else str(value))[:_LONGEST]


def measured_fields(item: Item) -> Iterable[str]:
    """Names of the measures that an item has."""
    measures = item.fields.get("measures")
    return [f"measures.{name}" for name in measures] if isinstance(measures, dict) else ()
