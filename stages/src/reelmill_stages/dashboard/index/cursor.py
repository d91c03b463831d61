"""Cursors: where a page of items ended, as a text in its address. They come back from anybody."""

import json
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill_stages.dashboard.index.values import Scalar

LARGEST = (1 << 63) - 1
"""The largest whole number that SQLite has."""


def encode_cursor(value: Scalar | None, ordinal: int) -> str:
    """The cursor of the page after an item with this value in the field of the order."""
    return json.dumps([value, ordinal])


def decode_cursor(cursor: str) -> list[Any] | None:
    """The value and the ordinal of a cursor; None for an empty one. Raises SpecError for a text that is no cursor."""
    if not cursor:
        return None
    try:
        value, ordinal = json.loads(cursor)
        if type(ordinal) is not int or type(value) not in (int, float, str, type(None)) or not fits(ordinal, value):
            raise ValueError
        str(value).encode()  # raises ValueError for half of a surrogate pair
    except (ValueError, TypeError, RecursionError):
        raise SpecError("this address does not refer to a page", hint="begin at the first page") from None
    return [value, ordinal]


def fits(*values: Any) -> bool:
    """Whether SQLite has these numbers."""
    return all(type(value) is not int or -(1 << 63) <= value < 1 << 63 for value in values)
