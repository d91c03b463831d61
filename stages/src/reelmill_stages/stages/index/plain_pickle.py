"""Pickles of plain lists, dicts, strings and numbers: written for trainers, read without running anything in them."""

import io
import pickle
from typing import Any, NoReturn

PROTOCOL = 4
"""Opens in every Python that trainers use."""


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it wants to run {module}.{name}")

    def persistent_load(self, pid: Any) -> NoReturn:
        raise pickle.UnpicklingError("it refers to objects outside of itself")


def dumps(value: Any) -> bytes:
    """The pickle of plain values."""
    return pickle.dumps(value, protocol=PROTOCOL)


def loads(data: bytes) -> Any:
    """The values of a pickle. Raises ValueError for anything that is not plain, or no pickle at all."""
    try:
        return _Plain(io.BytesIO(data)).load()
    except Exception as error:  # damaged pickles raise nearly everything
        raise ValueError(f"not a pickle of plain values: {error}") from error
