"""Values of columns: conversion of the fields of items to a table whose types are fixed in advance. Pure."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.stages.write import FIELDS, KEY, TASK, Column, ColumnType, WriteBlock
from reelmill_stages.records.rows.item_values import ABSENT, Value, value_of

_NUMBERS = (int, float)
_LARGEST = 2**63
_LARGEST_32 = (2 - 2**-23) * 2**127
"""Largest 32-bit floating-point number."""
_SHOWN = 80
_MOST_COMPONENTS = 1 << 20


class ReadyColumn:
    """A column: its name, its type, and how the value of an item is read."""

    def __init__(
        self, name: str, kind: ColumnType, value: Value, *, nullable: bool = False, width: int | None = None
    ) -> None:
        self.name = name
        self.kind = kind
        self.nullable = nullable
        self.width = width
        self._value = value

    def read(self, item: Item) -> Any:
        """Return the value of an item.

        It is str, int, float, bool, a list of floats, a list of such lists, JSON text, or None. Raises ItemError with
        reason `no_field`, `bad_field` or `bad_text`.
        """
        value = self._value(item)
        if value is ABSENT:
            if self.nullable:
                return None
            raise ItemError(ItemReason.NO_FIELD, f"the column {self.name}: the item has no such field")
        try:
            return _vectors(value, self.width) if self.kind == "vectors" else _READ[self.kind](value)
        except UnicodeEncodeError as error:
            raise ItemError(
                ItemReason.BAD_TEXT,
                f"the column {self.name} contains half of a surrogate pair and is not valid Unicode",
            ) from error
        except ValueError as error:
            shown = repr(value)[:_SHOWN]
            raise ItemError(ItemReason.BAD_FIELD, f"the column {self.name}: {shown} is not {error}") from error


def columns_of(block: WriteBlock) -> tuple[ReadyColumn, ...]:
    """Return the columns of a block besides those with files, the key first, then the task of an episode."""
    first = [ReadyColumn(KEY, "string", lambda item: item.key)]
    if block.lerobot:
        first.append(ReadyColumn(TASK, "string", value_of(block.lerobot.task)))
    if not block.columns:
        return (*first, ReadyColumn(FIELDS, "json", lambda item: dict(item.fields)))
    return (*first, *(_ready_column(column) for column in block.columns))


def values_of(columns: Sequence[ReadyColumn], item: Item) -> list[Any]:
    """Return the value of each column. Raises as `ReadyColumn.read`."""
    return [column.read(item) for column in columns]


def _ready_column(column: Column) -> ReadyColumn:
    assert column.kind is not None
    return ReadyColumn(
        column.title, column.kind, value_of(column.field), nullable=column.missing == "null", width=column.width
    )


def _string(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("a text")
    value.encode()
    return value


def _integer(value: Any) -> int:
    if type(value) is not int or not -_LARGEST <= value < _LARGEST:
        raise ValueError("a whole number of 64 bits")
    return value


def _finite(value: Any) -> float:
    if type(value) not in _NUMBERS:
        raise ValueError("a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError("a finite number")
    return number


def _number(value: Any) -> float:
    number = _finite(value)
    if number != value:
        raise ValueError("a number that 64 bits of floating point hold exactly")
    return number


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError("true or false")
    return value


def _vector(value: Any) -> list[float]:
    if type(value) is not list or not 0 < len(value) <= _MOST_COMPONENTS:
        raise ValueError("a list of numbers")
    numbers = [_finite(each) for each in value]
    if max(map(abs, numbers)) > _LARGEST_32:
        raise ValueError("a list of numbers of 32 bits")
    return numbers


def _vectors(value: Any, width: int | None) -> list[list[float]]:
    if type(value) is not list or not value or not all(type(each) is list for each in value):
        raise ValueError("a list of lists of numbers")
    if sum(map(len, value)) > _MOST_COMPONENTS:
        raise ValueError(f"a list of lists of at most {_MOST_COMPONENTS} numbers together")
    if width is not None and any(len(each) != width for each in value):
        raise ValueError(f"a list of lists of {width} numbers each")
    return [_vector(each) if each else [] for each in value]


def _json(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        raise ValueError("JSON: a number in it is not finite") from error
    text.encode()
    return text


_READ: dict[ColumnType, Callable[[Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "vector": _vector,
    "json": _json,
}
