"""The group of an item: the values of some of its fields, or the ranges in which they lie.

A group is stored as 16 bytes by which it is recognised, and a name for messages. Equal groups have equal bytes.
"""

import json
import sys
from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.stages.select import Grouping, number_text
from reelmill_stages.records.rows.item_values import ABSENT, value_of

ID_BYTES = 16
LARGEST = sys.float_info.max
"""Largest number that is a value of a group or a measure."""
_LONGEST_NAME = 200
"""Most characters of the name of a group in messages."""


class ItemGroups:
    """The groups by the `per` of a stage."""

    def __init__(self, per: Sequence[Grouping]) -> None:
        self._fields = [_GroupField(grouping) for grouping in per]

    def of(self, item: Item) -> bytes:
        """Return the group of an item. Raises ItemError with reason `bad_field`."""
        values = [field.value(item) for field in self._fields]
        names = (f"{field.name} {field.value_name(value)}" for field, value in zip(self._fields, values, strict=True))
        name = ", ".join(names)[:_LONGEST_NAME]
        return blake2b(json.dumps(values).encode(), digest_size=ID_BYTES).digest() + name.encode(errors="replace")


def group_name(group: bytes) -> str:
    """Return the name of a group for messages, such as `label cat`; empty if all items are one group."""
    return group[ID_BYTES:].decode(errors="replace")


def group_of_name(field: Grouping, name: str) -> list[bytes]:
    """Return the 16 bytes of each group whose value of this field is shown by this name: a text, a number, a range."""
    stored = dict(zip(field.ranges, field.stored_ranges, strict=True))
    found: list[Any] = [["range", stored.get(name, name)]] if field.bins else [name]
    if not field.bins:
        try:
            value = json.loads(name)
        except ValueError:
            value = None
        is_number = isinstance(value, bool | int | float) and -LARGEST <= value <= LARGEST
        if is_number and name in (_name(_plain(value)), str(_plain(value))):
            found.append(_plain(value))
    return [blake2b(json.dumps([value]).encode(), digest_size=ID_BYTES).digest() for value in found]


class _GroupField:
    def __init__(self, grouping: Grouping) -> None:
        self.name = grouping.field
        self._value = value_of(grouping.field)
        self._bins, self._ranges = grouping.bins, grouping.stored_ranges
        self._range_names = dict(zip(grouping.stored_ranges, grouping.ranges, strict=True))

    def value(self, item: Item) -> Any:
        """Return a JSON value that is equal for items of one group."""
        value = self._value(item)
        if value is ABSENT:
            return None
        if isinstance(value, int | float) and not -LARGEST <= value <= LARGEST:
            raise ItemError(ItemReason.BAD_FIELD, f"per: {self.name} is not a finite number")
        if self._bins:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise self._unusable(value, "not a number")
            return ["range", self._ranges[bisect_right(self._bins, value)]]
        if not isinstance(value, str | int | float):
            raise self._unusable(value, "neither a text nor a number")
        return _plain(value)

    def value_name(self, value: Any) -> str:
        """Return the name of a value for messages."""
        match value:
            case ["range", stored]:
                return self._range_names[stored]
        return _name(value)

    def _unusable(self, value: Any, problem: str) -> ItemError:
        return ItemError(ItemReason.BAD_FIELD, f"per: {self.name} is {str(value)[:100]}, {problem}")


def _plain(value: str | float) -> str | float:
    """Return a value in the form that equal values share: 2.0 is 2, and `true` is not 1."""
    return int(value) if isinstance(value, float) and value == int(value) else value


def _name(value: Any) -> str:
    match value:
        case None:
            return "without a value"
        case bool():
            return json.dumps(value)
        case int() | float():
            return number_text(value)
    return str(value)
