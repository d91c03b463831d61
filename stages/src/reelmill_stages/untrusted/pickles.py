"""Reads pickles of unknown origin: nothing is executed, and nothing is allocated that the bytes do not account for.

The operations are looked at before they run: a memo is a list in memory as long as its largest index says, and a string
is allocated before it is read.
"""

import io
import mmap
import pickle
import pickletools
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

_BOUNDED = frozenset({"PUT", "BINPUT", "LONG_BINPUT", "FRAME"})
"""Operations whose number is a place in memory or a count of bytes: never larger than the pickle itself."""
_FRAME_HEAD = 9
"""Bytes of the operation that begins a frame."""
_COPIED = 1 << 16
"""Bytes of an argument that are copied to look at it; of a longer one, it is enough that it is there."""

Known = Callable[[str, str], Any]
"""(module, name) of a global to what takes its place. Raises LookupError for one that has no business there."""


class PickleError(pickle.UnpicklingError, ValueError):
    """The bytes are not a pickle, or one with more in it than is allowed."""


def loads(data: bytes, known: Known | None = None) -> Any:
    """The value of a pickle; `known` supplies its globals, by default none. Persistent objects are None.

    Raises PickleError.
    """
    return load(io.BytesIO(data), known)


def load(file: BinaryIO, known: Known | None = None) -> Any:
    """As `loads`, of an open file, which is left behind the pickle."""
    begin = file.tell()
    end = begin + _length(_view(file)[begin:])
    try:
        file.seek(begin)
        value = _Unpickler(file, known).load()
    except MemoryError:
        raise
    except Exception as error:  # damaged pickles raise nearly everything
        raise _refused(error) from error
    file.seek(end)
    return value


def opcodes(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    """(name, argument) of each operation of the pickle in an open file. Raises PickleError."""
    yield from ((name, argument) for name, argument, _ in _operations(_view(file)[file.tell() :]))


def _length(data: memoryview) -> int:
    """Bytes of the pickle at the start of `data`. Raises PickleError for one that asks for more than it holds.

    An unpickler reads a frame at once. Where frames overlap, or end inside an operation, it goes on at another place
    than here, with operations that nobody has looked at; no pickler writes that (PEP 3154).
    """
    end = frame = 0
    for name, argument, place in _operations(data):
        if name in _BOUNDED and int(argument) > len(data):
            raise PickleError(f"it requests {argument} places or bytes")
        if end - 1 < frame < place or (name == "FRAME" and place < frame):
            raise PickleError("its frames do not match its operations")
        if name == "FRAME":
            frame = place + _FRAME_HEAD + int(argument)
        end = place + 1
    if frame > end:
        raise PickleError("its frames do not match its operations")
    return end


def _operations(data: memoryview) -> Iterator[tuple[str, Any, int]]:
    try:
        for operation, argument, place in pickletools.genops(cast(BinaryIO, _Source(data))):
            yield operation.name, argument, place or 0
    except (MemoryError, GeneratorExit):
        raise
    except Exception as error:
        raise _refused(error) from error


def _refused(error: Exception) -> PickleError:
    said = str(error).splitlines() or [type(error).__name__]
    return PickleError(said[0])


def _view(file: BinaryIO) -> memoryview:
    """All bytes of a file in memory or on disk, without a copy. Raises PickleError for an empty one."""
    if isinstance(file, io.BytesIO):
        # A view by getbuffer() that becomes garbage crashes Python 3.12.1.
        return memoryview(file.getvalue())
    try:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except ValueError as error:
        raise PickleError("it is empty") from error


class _Source:
    """What `pickletools` reads from: long arguments are not copied."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def tell(self) -> int:
        return self._at

    def read(self, size: int) -> bytes | memoryview:
        part = self._data[self._at : self._at + size]
        self._at += len(part)
        return bytes(part) if len(part) <= _COPIED else part

    def readline(self) -> bytes:
        ahead = bytes(self._data[self._at : self._at + _COPIED])
        line = ahead[: ahead.find(b"\n") + 1] or ahead
        self._at += len(line)
        return line


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO, known: Known | None) -> None:
        super().__init__(file, encoding="utf-8")
        self._known = known

    def find_class(self, module: str, name: str) -> Any:
        try:
            if self._known is not None:
                return self._known(module, name)
        except LookupError:
            pass
        raise PickleError(f"it refers to {module}.{name}, which is not allowed in a pickle of plain values")

    def persistent_load(self, _: object) -> None:
        """Objects outside of the pickle, such as storages of tensors."""
