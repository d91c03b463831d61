"""Pickles of arrays that can be opened with numpy 1.23 and 2: protocol 4, written as a stream.

Pickles written by numpy 2 refer to modules that older versions do not have, so the opcodes are written here. Reading
untrusted files is restricted to arrays and plain values.
"""

import pickle
import struct
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from reelmill_stages.untrusted.arrays import load_arrays
from reelmill_stages.untrusted.pickles import opcodes

_HEAD = pickle.PROTO + b"\x04"
_ARRAY_TAIL = pickle.TUPLE + pickle.BUILD
FRAMES_TAIL = _ARRAY_TAIL + pickle.STOP
"""The opcodes after the content of a frames array."""


def dump_arrays(arrays: Mapping[str, np.ndarray[Any, np.dtype[np.int64]]]) -> bytes:
    """The pickle of a dictionary of int64 arrays."""
    out = [_HEAD, pickle.EMPTY_DICT]
    for name, array in arrays.items():
        out.append(_text(name))
        out += [_array_head(array.shape, "i8"), array.astype("<i8").tobytes(), _ARRAY_TAIL, pickle.SETITEM]
    return b"".join([*out, pickle.STOP])


def frames_head(shape: Sequence[int]) -> bytes:
    """The opcodes before the content of a uint8 array of this shape, which is followed by `FRAMES_TAIL`."""
    return _HEAD + _array_head(shape, "u1")


def load(path: Path) -> Any:
    """Load arrays, numbers, and lists and dictionaries of them. Raises PickleError for anything else."""
    with path.open("rb") as file:
        return load_arrays(file)


def globals_of(path: Path) -> tuple[int, set[str]]:
    """(protocol, names of the globals) of a pickle, without loading it. Raises PickleError."""
    protocol, names, strings = 0, set(), ["", ""]
    with path.open("rb") as file:
        for operation, argument in opcodes(file):
            if operation == "PROTO":
                protocol = int(argument or 0)
            elif operation == "GLOBAL":
                names.add(str(argument).replace(" ", "."))
            elif operation == "STACK_GLOBAL":
                names.add(".".join(strings[-2:]))
            elif isinstance(argument, str):
                strings.append(argument)
    return protocol, names


def _array_head(shape: Sequence[int], kind: str) -> bytes:
    size = prod(shape) * int(kind[1])
    order = "|" if kind[1] == "1" else "<"
    empty = _name("numpy.core.multiarray", "_reconstruct") + _name("numpy", "ndarray")
    empty += _int(0) + pickle.TUPLE1 + pickle.SHORT_BINBYTES + b"\x01b" + pickle.TUPLE3 + pickle.REDUCE
    dtype = _name("numpy", "dtype") + _text(kind) + pickle.NEWFALSE + pickle.NEWTRUE + pickle.TUPLE3 + pickle.REDUCE
    dtype += pickle.MARK + _int(3) + _text(order) + pickle.NONE * 3 + _int(-1) * 2 + _int(0)
    dtype += pickle.TUPLE + pickle.BUILD
    dimensions = pickle.MARK + b"".join(map(_int, shape)) + pickle.TUPLE
    state = pickle.MARK + _int(1) + dimensions + dtype + pickle.NEWFALSE
    return empty + state + pickle.BINBYTES8 + struct.pack("<Q", size)


def _name(module: str, attribute: str) -> bytes:
    return _text(module) + _text(attribute) + pickle.STACK_GLOBAL


def _text(text: str) -> bytes:
    data = text.encode()
    return pickle.SHORT_BINUNICODE + struct.pack("<B", len(data)) + data


def _int(value: int) -> bytes:
    return pickle.BININT + struct.pack("<i", value)
