"""Pickles of plain lists, dicts, strings and numbers, which are read without executing anything."""

import io
import pickle
import pickletools
from typing import Any, NoReturn

PROTOCOL = 4
"""A protocol supported by all Python versions of trainers."""


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it would import {module}.{name}")

    def persistent_load(self, pid: Any) -> NoReturn:
        raise pickle.UnpicklingError("it refers to external objects")


def dumps(value: Any) -> bytes:
    """The pickle of plain values."""
    return pickle.dumps(value, protocol=PROTOCOL)


def loads(data: bytes) -> Any:
    """The values in a pickle. Raises ValueError for other values, and for data that are not a pickle."""
    try:
        # A memo is a list in memory as long as its largest index says, which is no more than there are bytes.
        for operation, index, _ in pickletools.genops(data):
            if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(index or 0) > len(data):
                raise ValueError(f"the memo index {index} is larger than the file")
        return _Plain(io.BytesIO(data)).load()
    except Exception as error:  # damaged pickles raise various exceptions
        raise ValueError(f"not a pickle of plain values: {error}") from error
