"""Pickles of plain lists, dicts, strings and numbers, as trainers of an index read them."""

import pickle
from typing import Any

PROTOCOL = 4
"""A protocol supported by all Python versions of trainers."""


def dumps(value: Any) -> bytes:
    """The pickle of plain values."""
    return pickle.dumps(value, protocol=PROTOCOL)
