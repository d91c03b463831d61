"""Media files for the functions of `reelmill_stages.media`: local files, and objects that are read by ranges."""

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, Protocol


class WholeFileNeeded(Exception):
    """Ranges of the object are unavailable or insufficient; the message has the reason.

    This is not an ItemError, because the item is not at fault: the caller that opened the file discards its results,
    downloads the whole object and starts again.
    """


class Positional(Protocol):
    """A source of bytes that is read by position."""

    @property
    def size(self) -> int:
        """Size in bytes."""
        ...

    def read(self, start: int, length: int, *, wait: bool = True) -> bytes:
        """Return between one and `length` bytes from position `start`; empty at the end.

        If `wait` is False, also empty if the read would need a request.
        """
        ...


class PositionalFile(io.RawIOBase):
    """A read-only raw file over a `Positional`, which stays open when the file is closed.

    A read stops before bytes that would need a request, because demuxers fill their buffers without needing all of it.
    """

    def __init__(self, source: Positional) -> None:
        super().__init__()
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        room = memoryview(buffer).cast("B")
        done = 0
        while done < len(room) and (data := self._source.read(self._at, len(room) - done, wait=not done)):
            room[done : done + len(data)] = data
            done += len(data)
            self._at += len(data)
        return done


def buffered(source: Positional, *, buffer: int = 4096) -> io.BufferedReader:
    """Return a file positioned at the start. `buffer` is the minimum number of bytes per read."""
    return io.BufferedReader(PositionalFile(source), buffer)


def read_exactly(source: Positional, wanted: range) -> bytes:
    """Return the bytes of a range. Raises EOFError if the source ends before it."""
    parts = []
    place = wanted.start
    while place < wanted.stop:
        part = source.read(place, wanted.stop - place)
        if not part:
            raise EOFError(f"byte {place} is behind the end")
        parts.append(part)
        place += len(part)
    return b"".join(parts)


class RemoteObject(Positional, Protocol):
    """An object that is read by ranges.

    Reads raise ItemError if the object cannot be read, and WholeFileNeeded if the server does not support ranges.
    """

    @property
    def name(self) -> str:
        """The last part of the key."""
        ...

    @property
    def failure(self) -> Exception | None:
        """The first error of a read; later reads raise it again."""
        ...

    def expect(self, ranges: Sequence[range]) -> None:
        """Prefetch these byte ranges, in the order of the reads to come. They replace earlier ranges.

        Raises WholeFileNeeded if the ranges cover most of the object.
        """
        ...

    def close(self) -> None:
        """End the requests that run."""
        ...


class RemoteFile(Protocol):
    """A media file of which only the needed parts are transferred. Its offsets may differ from those of the object.

    Its files raise ItemError if the object cannot be read, and WholeFileNeeded if parts of it are not enough.
    """

    @property
    def name(self) -> str:
        """The last part of the key."""
        ...

    @property
    def size(self) -> int:
        """Size in bytes."""
        ...

    @property
    def failure(self) -> Exception | None:
        """The first error of a read. Check it after demuxing: demuxers may take an error for the end of the file."""
        ...

    def open(self, *, sound: bool = False) -> io.BufferedReader:
        """Return a seekable file, positioned at the start. All files of an object share the transferred data.

        If `sound` is False, tracks other than video may be empty.
        """
        ...

    def expect(self, ranges: Sequence[range]) -> None:
        """Prefetch these byte ranges, in the order of the reads to come.

        Raises WholeFileNeeded if the ranges cover most of the object.
        """
        ...

    def index_only(self) -> AbstractContextManager[None]:
        """Return a context in which the content of packets may read as zeros."""
        ...

    def close(self) -> None:
        """End the requests that run."""
        ...


MediaFile = Path | RemoteFile


def size_of(file: MediaFile) -> int:
    """Return the size in bytes. Raises OSError."""
    return file.stat().st_size if isinstance(file, Path) else file.size


def open_file(file: MediaFile) -> BinaryIO:
    """Open for reading. Raises OSError."""
    return file.open("rb") if isinstance(file, Path) else file.open()


def local_path(file: MediaFile, why: str) -> Path:
    """Return the path of a local file. Raises WholeFileNeeded with the message `why` if the file is not local."""
    if isinstance(file, Path):
        return file
    raise WholeFileNeeded(f"{file.name}: {why}")
