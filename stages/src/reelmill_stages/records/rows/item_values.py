"""Values of an item's fields by name, for rules, weights and histograms."""

from collections.abc import Callable
from typing import Any, Final

from reelmill.contract.records.rows import Item

ABSENT: Final = object()
"""Value of a field that an item does not have."""

_NUMBERS = (int, float)
_LONGEST = 1e15
"""Longest valid duration in seconds."""

Value = Callable[[Item], Any]
"""Returns the value of one field of an item, as JSON; ABSENT if the item has no such field, or it is null."""


def value_of(name: str) -> Value:
    """The function that returns a field of an item. In `name`, dots separate nested objects: `measures.luma`.

    A field with exactly that name takes precedence. An item also has `key`, `group`, `weight` and `media.size` (bytes),
    and `duration` in seconds, if it has that field or a span.
    """
    if name in _OF_ITEMS:
        return _OF_ITEMS[name]
    parts = tuple(name.split("."))
    return _plain(name) if len(parts) == 1 else _nested(name, parts)


def seconds_of(item: Item) -> float | None:
    """The duration of an item in seconds; None if unknown."""
    value = _duration(item)
    # An integer may be larger than any float.
    return float(value) if type(value) in _NUMBERS and 0 <= value <= _LONGEST else None


def file_of(item: Item) -> tuple[str, int]:
    """(URI, bytes) of an item's file; without a file, of its outputs together."""
    if item.media is not None:
        return item.media.uri, item.media.size
    return (item.outputs[0].key, sum(output.size for output in item.outputs)) if item.outputs else ("", 0)


def _plain(name: str) -> Value:
    def found(item: Item) -> Any:
        value = item.fields.get(name)
        return ABSENT if value is None else value

    return found


def _nested(name: str, parts: tuple[str, ...]) -> Value:
    first, *rest = parts

    def found(item: Item) -> Any:
        value = item.fields.get(name)
        if value is not None:
            return value
        value = item.fields.get(first)
        for part in rest:
            if type(value) is not dict:
                return ABSENT
            value = value.get(part)
        return ABSENT if value is None else value

    return found


def _duration(item: Item) -> Any:
    fields = item.fields
    value = fields.get("duration")
    if value is not None:
        return value
    start: Any = fields.get("start")
    end: Any = fields.get("end")
    if type(start) in _NUMBERS and type(end) in _NUMBERS:
        return _between(start, end)
    if item.media is not None and item.media.span is not None:
        return _between(item.media.span.start, item.media.span.end)
    return ABSENT


def _between(start: float, end: float) -> Any:
    try:
        return end - start
    except OverflowError:
        return ABSENT


_OF_ITEMS: dict[str, Value] = {
    "key": lambda item: item.key,
    "group": lambda item: item.group,
    "weight": lambda item: item.weight,
    "media.size": lambda item: ABSENT if item.media is None else item.media.size,
    "duration": _duration,
}
