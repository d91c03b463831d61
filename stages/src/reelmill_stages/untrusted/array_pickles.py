"""Stand-ins for the numpy globals in pickles of arrays.

numpy trusts the state of a pickled dtype, including its flags, and interprets an array's bytes by it, so a hostile
dtype makes numpy take bytes for addresses. A pickle therefore never reaches numpy's dtypes: its state is checked, and
the dtype is rebuilt.
"""

import math
import re
from typing import Any

import numpy as np

from reelmill_stages.untrusted.pickles import PickleError

Array = np.ndarray[Any, np.dtype[Any]]
_CODES = re.compile(r"[|<>=]?(?:[biufc]\d{1,2}|[SUV]\d{1,4}|O8?|\?)")
_MAX_DEPTH = 100


class _Ndarray:
    """Replaces `numpy.ndarray`, which pickles name but never call."""


class _Dtype:
    """Replaces `numpy.dtype`: a plain type with a byte order."""

    __slots__ = ("real",)

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str) or not _CODES.fullmatch(code):
            raise ValueError(f"an array of {code!r}")
        self.real: np.dtype[Any] = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        _version, order, *structure, _size, _alignment, flags = state
        if structure != [None, None, None] or flags != self.real.flags:
            raise ValueError("an array of structures, or of a kind that differs from its type")
        if order in ("<", ">"):
            self.real = self.real.newbyteorder(order)


class _Array(np.ndarray[Any, np.dtype[Any]]):
    """An array that is filled from its state; the bytes must match its shape."""

    def __setstate__(self, state: Any, /) -> None:
        _version, shape, dtype, fortran, data = state
        real = _dtype_of(dtype)
        if type(shape) is not tuple or not all(type(side) is int and side >= 0 for side in shape) or not real.itemsize:
            raise ValueError("an array without a shape")
        kind, size = (list, 1) if real.hasobject else (bytes, real.itemsize)
        if type(data) is not kind or len(data) != math.prod(shape) * size:
            raise ValueError("an array whose data does not match its shape")
        checked: Any = (1, shape, real, bool(fortran), data)
        super().__setstate__(checked)


def known(module: str, name: str) -> Any:
    """Return the stand-in for a global of numpy. Raises LookupError for any other name."""
    return _NAMES[module.removeprefix("numpy.core.").removeprefix("numpy._core."), name]


def plain(value: Any) -> Any:
    """Convert stand-ins in a value to numpy arrays. Raises PickleError if it is nested too deeply."""
    seen: set[int] = set()

    def of(one: Any, depth: int) -> Any:
        if isinstance(one, _Array):
            return one.view(np.ndarray)
        if type(one) is tuple:
            return tuple([of(inner, _checked_depth(depth)) for inner in one])
        if type(one) in (list, dict) and id(one) not in seen:
            seen.add(id(one))
            for place in range(len(one)) if type(one) is list else list(one):
                one[place] = of(one[place], _checked_depth(depth))
        return one

    return of(value, 0)


def _checked_depth(depth: int) -> int:
    if depth > _MAX_DEPTH:
        raise PickleError(f"it is nested deeper than {_MAX_DEPTH} levels")
    return depth + 1


def _dtype_of(dtype: object) -> np.dtype[Any]:
    if not isinstance(dtype, _Dtype):
        raise TypeError("an array without a type")
    return dtype.real


def _reconstruct(kind: object, shape: object, _code: object) -> Array:
    if kind is not _Ndarray or shape != (0,):
        raise ValueError("an array is not built as numpy builds it")
    return np.ndarray.__new__(_Array, (0,), np.uint8)


def _scalar(dtype: object, data: bytes) -> Any:
    return np.frombuffer(data, _dtype_of(dtype), count=1)[0]


def _frombuffer(data: Any, dtype: object, shape: tuple[int, ...], order: Any) -> Array:
    return np.frombuffer(data, _dtype_of(dtype)).reshape(shape, order=order).view(_Array)


_NAMES = {
    ("multiarray", "_reconstruct"): _reconstruct,
    ("multiarray", "scalar"): _scalar,
    ("numeric", "_frombuffer"): _frombuffer,
    ("numpy", "ndarray"): _Ndarray,
    ("numpy", "dtype"): _Dtype,
}
