"""Pickles of arrays that every trainer opens: protocol 4, the same under numpy 1.23 and 2, written as a stream.

numpy 2 pickles name modules that older ones do not have, so the opcodes are written here. Reading is restricted to
what such files hold: unpickling runs code, and these files come from anywhere.
"""

import io
import pickle
import pickletools
import struct
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

_HEAD = pickle.PROTO + b"\x04"
_ARRAY_TAIL = pickle.TUPLE + pickle.BUILD
FRAMES_TAIL = _ARRAY_TAIL + pickle.STOP
"""What comes after the last byte of a frames array."""
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}


def dump_arrays(arrays: Mapping[str, np.ndarray[Any, np.dtype[np.int64]]]) -> bytes:
    """A dictionary of int64 arrays."""
    out = [_HEAD, pickle.EMPTY_DICT]
    for name, array in arrays.items():
        out.append(_text(name))
        out += [_array_head(array.shape, "i8"), array.astype("<i8").tobytes(), _ARRAY_TAIL, pickle.SETITEM]
    return b"".join([*out, pickle.STOP])


def frames_head(shape: Sequence[int]) -> bytes:
    """What comes before the first byte of a uint8 array of this shape; then its bytes, then `FRAMES_TAIL`."""
    return _HEAD + _array_head(shape, "u1")


def load(path: Path) -> Any:
    """An array, or a dictionary, list or number of such. Raises pickle.UnpicklingError for anything else."""
    with path.open("rb") as file:
        return _Restricted(file).load()


def loads(data: bytes) -> Any:
    """As `load`, of a file that is in memory."""
    return _Restricted(io.BytesIO(data)).load()


def globals_of(path: Path) -> tuple[int, set[str]]:
    """(protocol, names of modules and their attributes) that a pickle asks for, without loading it."""
    protocol, names, strings = 0, set(), ["", ""]
    with path.open("rb") as file:
        for opcode, argument, _ in pickletools.genops(file):
            if opcode.name == "PROTO":
                protocol = int(argument or 0)
            elif opcode.name == "GLOBAL":
                names.add(str(argument).replace(" ", "."))
            elif opcode.name == "STACK_GLOBAL":
                names.add(".".join(strings[-2:]))
            elif isinstance(argument, str):
                strings.append(argument)
    return protocol, names


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"a pickle of arrays has no business with {module}.{name}")


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
