"""Reading of arrays of unknown origin: npy, npz, and pickles of arrays, with size limits and one exception for errors.

numpy allocates memory by the header before it reads, and its parsers raise many types of errors for damaged files. Here
an array is never larger than the available bytes.
"""

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EINVAL
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO, Self

import numpy as np

from reelmill_stages.untrusted.array_pickles import known as _known
from reelmill_stages.untrusted.array_pickles import plain
from reelmill_stages.untrusted.pickles import load, loads

Array = np.ndarray[Any, np.dtype[Any]]
NPY = b"\x93NUMPY"
"""The first bytes of an npy file."""
MAX_BYTES = 1 << 30
"""Maximum size of an array that is read to memory."""
_SUFFIX = ".npy"
_STEP = 1 << 20


class ArrayError(ValueError):
    """The file is not an array or an archive of arrays, or exceeds a limit."""


class ArrayArchive:
    """An npz file: arrays by name. A context manager. Raises ArrayError for any other file."""

    def __init__(self, source: Path | IO[bytes]) -> None:
        with refusing():
            self._zip = zipfile.ZipFile(source)
            self._members = {each.filename.removesuffix(_SUFFIX): each for each in self._zip.infolist()}
        self.comment = self._zip.comment

    @property
    def names(self) -> tuple[str, ...]:
        """Names in file order."""
        return tuple(self._members)

    def array(self, name: str) -> Array:
        """Read an array. Raises KeyError for an unknown name, and ArrayError."""
        found: Array = self._read(self._members[name], read_array)
        return found

    def content(self, name: str) -> Any:
        """Return the value in an array of one object, as `load_objects` reads it. Raises the errors of `array`."""
        return self._read(self._members[name], _read_object)

    def _read(self, member: zipfile.ZipInfo, read: Any) -> Any:
        if member.file_size > MAX_BYTES:
            raise ArrayError(f"{member.filename} has {member.file_size} bytes; at most {MAX_BYTES} are read")
        with refusing(), self._zip.open(member) as file:
            return read(file, member.file_size)

    def close(self) -> None:
        self._zip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_array(file: IO[bytes], size: int) -> Array:
    """Read the array in an open npy file of at most `size` bytes. Raises ArrayError, also for arrays of objects."""
    with refusing():
        shape, fortran, dtype = _header(file)
        if dtype.hasobject or not dtype.itemsize or any(side < 0 for side in shape):
            raise ArrayError(f"an array of {dtype} is not read")
        wanted = math.prod(shape) * dtype.itemsize
        if wanted > min(size, MAX_BYTES):
            raise ArrayError(f"its header declares {wanted} bytes, but it has {size}")
        data = bytearray()
        while len(data) < wanted and (more := file.read(min(_STEP, wanted - len(data)))):
            data += more
        flat = np.frombuffer(data, dtype, count=math.prod(shape))
        return flat.reshape(shape[::-1]).transpose() if fortran else flat.reshape(shape)


def map_array(path: Path) -> Array:
    """Map the array of an npy file, which is read on access. Raises ArrayError."""
    with refusing():
        found: Array = np.lib.format.open_memmap(path, mode="r")
        if not found.dtype.itemsize:
            raise ArrayError(f"an array of {found.dtype} is not read")
        return found


def load_arrays(file: BinaryIO) -> Any:
    """Load arrays, numbers, and lists and dictionaries of them from a pickle. Raises PickleError for anything else."""
    return plain(load(file, _known))


def loads_arrays(data: bytes) -> Any:
    """Like `load_arrays`, for data in memory."""
    return plain(loads(data, _known))


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(file)


def _read_object(file: IO[bytes], _size: int) -> Any:
    shape, _, dtype = _header(file)
    if not dtype.hasobject or shape not in {(), (1,)}:
        raise ArrayError("it is not one object")
    content = loads_arrays(file.read(MAX_BYTES))
    return content.reshape(-1)[0] if isinstance(content, np.ndarray) and content.size == 1 else content


@contextmanager
def refusing() -> Iterator[None]:
    """Convert all errors of a parser to ArrayError; errors of the machine are unchanged."""
    try:
        yield
    except (ArrayError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, EINVAL):
            raise
        raise ArrayError((str(error).splitlines() or [type(error).__name__])[0]) from error
