"""The values of an item for sorting and filtering, with the names that rules of the `filter` stage use."""

from collections.abc import Iterator, Mapping
from typing import Any

from reelmill.contract.records.rows import Item
from reelmill_stages.dashboard.index.schema import LONGEST
from reelmill_stages.records.rows.item_values import ABSENT, value_of

DEEPEST = 3
"""Maximum depth of nested objects: `measures.camera.pan`."""
_ALWAYS = tuple((name, value_of(name)) for name in ("group", "weight", "media.size", "duration"))
_WHOLE = 1 << 63

Scalar = int | float | str


def values(item: Item) -> Iterator[tuple[str, Scalar]]:
    """Yield (field, value) of all numbers, texts and booleans; true is 1. Texts are cut."""
    for name, of in _ALWAYS:
        value = of(item)
        if value is not ABSENT and (known := _scalar(value)) is not None:
            yield name, known
    yield from _scalars(item.fields, "", DEEPEST)


def _scalars(fields: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Scalar]]:
    for name, value in fields.items():
        if type(value) is dict:
            if depth > 1:
                yield from _scalars(value, f"{prefix}{name}.", depth - 1)
        elif (known := _scalar(value)) is not None and not (not prefix and name in _NAMES):
            yield prefix + name, known


def _scalar(value: Any) -> Scalar | None:
    if type(value) is str:
        return value[:LONGEST]
    if type(value) is bool:
        return int(value)
    if type(value) is int:
        return value if -_WHOLE <= value < _WHOLE else str(value)[:LONGEST]
    return value if type(value) is float and value == value else None


_NAMES = {name for name, _ in _ALWAYS}
