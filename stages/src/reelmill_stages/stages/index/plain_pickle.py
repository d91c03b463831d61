"""Pickles of plain lists, dicts, strings and numbers, which are read without executing anything."""

import io
import pickle
from typing import Any, NoReturn

PROTOCOL = 4
"""A protocol supported by all Python versions of trainers."""


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it wants to run {module}.{name}")

    def persistent_load(self, pid: Any) -> NoReturn:
        raise pickle.UnpicklingError("it refers to objects outside of itself")


def dumps(value: Any) -> bytes:
    """The pickle of plain values."""
    return pickle.dumps(value, protocol=PROTOCOL)


def loads(data: bytes) -> Any:
    """The values in a pickle. Raises ValueError for other values, and for data that are not a pickle."""
    try:
        return _Plain(io.BytesIO(data)).load()
    except Exception as error:  # damaged pickles raise various exceptions
        raise ValueError(f"not a pickle of plain values: {error}") from error
