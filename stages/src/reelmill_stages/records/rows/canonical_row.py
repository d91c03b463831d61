"""Canonical JSON of rows: the bytes of `contract.digest.canonical`, five times as fast."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from reelmill.contract.digest import canonical
from reelmill.contract.records.rows import POSITION, Item

_encode = msgspec.json.Encoder(order="sorted").encode


def canonical_row(row: Mapping[str, Any]) -> bytes:
    """The row in canonical JSON. Raises as `canonical`.

    `canonical` encodes what msgspec writes in another way, or writes although it is no JSON.
    """
    try:
        if _is_exact(row.values()):
            return _encode(row)
    except (AttributeError, TypeError, ValueError, RecursionError):
        pass
    return canonical(row)


def canonical_item(item: Item, ordinal: int) -> bytes:
    """The row of an item, with this ordinal, in canonical JSON. Raises as `canonical`."""
    row = {
        **item.fields,
        "key": item.key,
        "ordinal": ordinal,
        "group": item.group,
        "weight": item.weight,
        "outputs": item.outputs,
        "provenance": item.provenance,
    }
    media: Mapping[str, Any] = {}
    if item.media is not None:
        row["media"] = media = item.media.to_json()
    if item.position is not None:
        row[POSITION] = item.position
    try:
        others = (item.key, item.group, item.weight, item.position, item.provenance, *media.values())
        if _is_exact(item.fields.values()) and _is_exact(others):
            return _encode(row)
    except (AttributeError, TypeError, ValueError, RecursionError):
        pass
    return canonical(item.to_json() | {"ordinal": ordinal})


def _is_exact(values: Iterable[Any]) -> bool:
    """Whether msgspec writes all of these values as the standard library does, or refuses to write them."""
    for value in values:
        kind = type(value)
        if kind is str or kind is int or kind is bool or value is None:
            continue
        if kind is float:
            # Python writes all others with an exponent, msgspec in another way; it writes null for NaN.
            if not (1e-4 <= value < 1e16 or -1e16 < value <= -1e-4 or value == 0):
                return False
        elif kind is dict:
            if not _is_exact(value.values()):
                return False
        elif not ((kind is list or kind is tuple) and _is_exact(value)):
            return False
    return True
