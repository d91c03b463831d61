"""Reading of pickles of unknown origin: nothing is executed, and allocations are limited by the size of the pickle.

Operations are checked before they run: a memo is a list in memory as long as its largest index, and a string is
allocated before it is read.
"""

import io
import mmap
import pickle
import pickletools
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

_BOUNDED = frozenset({"PUT", "BINPUT", "LONG_BINPUT", "FRAME"})
"""Operations whose number is an index in memory or a count of bytes; it may not exceed the size of the pickle."""
_FRAME_HEAD = 9
"""Bytes of the operation that starts a frame."""
_COPIED = 1 << 16
"""Maximum bytes of an argument that are copied to check it; for a longer one, only its presence is checked."""

Known = Callable[[str, str], Any]
"""Maps (module, name) of a global to its replacement. Raises LookupError for one that is not allowed."""


class PickleError(pickle.UnpicklingError, ValueError):
    """The bytes are not a pickle, or the pickle contains more than is allowed."""


def loads(data: bytes, known: Known | None = None) -> Any:
    """Return the value of a pickle; `known` supplies its globals, by default none. Persistent objects are None.

    Raises PickleError.
    """
    return load(io.BytesIO(data), known)


def load(file: BinaryIO, known: Known | None = None) -> Any:
    """Like `loads`, for an open file, which is then positioned after the pickle."""
    begin = file.tell()
    end = begin + _length(_view_of_file(file)[begin:])
    try:
        file.seek(begin)
        value = _Unpickler(file, known).load()
    except MemoryError:
        raise
    except Exception as error:  # damaged pickles raise many types of errors
        raise _refusal(error) from error
    file.seek(end)
    return value


def opcodes(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    """Yield (name, argument) of each operation of the pickle in an open file. Raises PickleError."""
    yield from ((name, argument) for name, argument, _ in _operations(_view_of_file(file)[file.tell() :]))


def _length(data: memoryview) -> int:
    """Return the bytes of the pickle at the start of `data`. Raises PickleError if it requires more than that.

    An unpickler reads a frame at once. If frames overlap, or end inside an operation, it continues at another position
    than this check, with unchecked operations. No pickler writes such frames (PEP 3154).
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
        raise _refusal(error) from error


def _refusal(error: Exception) -> PickleError:
    lines = str(error).splitlines() or [type(error).__name__]
    return PickleError(lines[0])


def _view_of_file(file: BinaryIO) -> memoryview:
    """Return all bytes of a file in memory or on disk, without a copy. Raises PickleError for an empty file."""
    if isinstance(file, io.BytesIO):
        # In Python 3.12.1, garbage-collecting a view from getbuffer() crashes.
        return memoryview(file.getvalue())
    try:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except ValueError as error:
        raise PickleError("it is empty") from error


class _Source:
    """The input of `pickletools`, which does not copy long arguments."""

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
        """Ignore objects outside the pickle, such as storages of tensors."""
