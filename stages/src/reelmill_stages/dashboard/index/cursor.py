"""Cursors: the end of a page of items, as text in a URL. They are untrusted input."""

import json
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill_stages.dashboard.index.values import Scalar

LARGEST = (1 << 63) - 1
"""The largest integer of SQLite."""


def encode_cursor(value: Scalar | None, ordinal: int) -> str:
    """Return the cursor of the page after an item with this value in the field of the order."""
    return json.dumps([value, ordinal])


def decode_cursor(cursor: str) -> list[Any] | None:
    """Return the value and the ordinal of a cursor; None for an empty one. Raises SpecError for an invalid cursor."""
    if not cursor:
        return None
    try:
        value, ordinal = json.loads(cursor)
        if type(ordinal) is not int or type(value) not in (int, float, str, type(None)) or not fits(ordinal, value):
            raise ValueError
        str(value).encode()  # raises ValueError for an unpaired surrogate
    except (ValueError, TypeError, RecursionError):
        raise SpecError("this address does not refer to a page", hint="begin at the first page") from None
    return [value, ordinal]


def fits(*values: Any) -> bool:
    """Return whether SQLite can represent these numbers."""
    return all(type(value) is not int or -(1 << 63) <= value < 1 << 63 for value in values)
