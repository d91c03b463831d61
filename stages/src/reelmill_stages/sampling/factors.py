"""Factors of weights: all items are counted first, and then each gets its factor. Values are kept, items are not."""

import math
from collections import Counter
from typing import Any, Protocol

from reelmill.contract.records.rows import Item
from reelmill.contract.spec.view import Factor
from reelmill_stages.records.rows.item_values import ABSENT, value_of

_NOTHING = ("", "")


class WeightFactor(Protocol):
    """One factor. All items are added before the first factor is computed."""

    def add(self, item: Item) -> None:
        """Count an item."""
        ...

    def of(self, item: Item) -> float:
        """Return the factor of an item, at least 0."""
        ...


class InverseFrequency:
    """Balances items by the values of a field, or by bins of its numbers."""

    def __init__(self, factor: Factor) -> None:
        assert factor.inverse is not None
        self._value = value_of(factor.inverse)
        self._power = factor.power
        self._bins = factor.bins
        self._range = (math.inf, -math.inf)
        self._counts: Counter[Any] = Counter()

    def add(self, item: Item) -> None:
        """Count an item. With bins, its number is counted unchanged; bins are created at the first call of `of`."""
        value = self._value(item)
        if self._bins and is_number(value):
            self._range = min(self._range[0], value), max(self._range[1], value)
            self._counts[float(value)] += 1
        else:
            self._counts[_class(value)] += 1

    def of(self, item: Item) -> float:
        """Return the number of items with the same value to the power -`power`."""
        if self._bins:
            self._merge(self._bins)
        value = self._value(item)
        key = self._bin(value) if self._bins_made and is_number(value) else _class(value)
        return float(max(self._counts[key], 1) ** -self._power)

    _bins_made = 0

    def _merge(self, bins: int) -> None:
        self._bins, self._bins_made = None, bins
        merged: Counter[Any] = Counter()
        for value, count in self._counts.items():
            merged[self._bin(value) if type(value) is float else value] += count
        self._counts = merged

    def _bin(self, value: float) -> tuple[str, str]:
        first, last = self._range
        place = int((value - first) / (last - first) * self._bins_made) if last > first else 0
        return "bin", str(min(max(place, 0), self._bins_made - 1))


class MeasureRamp:
    """Rises from 0 to 1 between two values of a field."""

    def __init__(self, factor: Factor) -> None:
        if factor.measure is None or factor.from_ is None or factor.to is None:
            raise ValueError("the factor is no measure")
        self._value = value_of(factor.measure)
        self._from, self._to, self._missing = factor.from_, factor.to, factor.missing

    def add(self, item: Item) -> None:
        """Do nothing: this factor needs no counts."""

    def of(self, item: Item) -> float:
        """Return the position of the item's value between the two, from 0 to 1."""
        value = self._value(item)
        if not is_number(value):
            return self._missing
        return float(min(max((value - self._from) / (self._to - self._from), 0.0), 1.0))


def is_number(value: Any) -> bool:
    """Whether a JSON value is a finite number."""
    return type(value) is int or (type(value) is float and math.isfinite(value))


def _class(value: Any) -> tuple[str, str]:
    """Return the key under which a value is counted: equal numbers are equal, and `true` is not 1."""
    if value is ABSENT:
        return _NOTHING
    if is_number(value):
        return "number", repr(float(value)) if abs(value) < 2**53 else str(value)
    return type(value).__name__, str(value)
