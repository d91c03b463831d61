"""A media file as stages pass it to the media code: a local file, or an object in a bucket that is read by ranges."""

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, Protocol


class WholeFileNeeded(Exception):
    """Ranges of the object are not enough, or cannot be had; the message says why.

    No fault of the item, so it is no ItemError: whoever opened the file discards what was made of it, downloads the
    whole object, and starts again.
    """


class Positional(Protocol):
    """Bytes by position."""

    @property
    def size(self) -> int:
        """Size in bytes."""
        ...

    def read(self, start: int, length: int, *, wait: bool = True) -> bytes:
        """At least one and at most `length` bytes from `start` on; empty at the end.

        Without `wait`, empty also where reading would take a request.
        """
        ...


class PositionalFile(io.RawIOBase):
    """A read-only raw file; what it reads from outlives it.

    A read ends where the next bytes would take a request: demuxers fill their buffers, and do not need all of it.
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
    """A file that is positioned at the start. `buffer`: bytes that are read at least."""
    return io.BufferedReader(PositionalFile(source), buffer)


def read_exactly(source: Positional, wanted: range) -> bytes:
    """The bytes of a range. Raises EOFError where there are fewer."""
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

    Reads raise ItemError where the object cannot be read, and WholeFileNeeded where the server gives no ranges.
    """

    @property
    def name(self) -> str:
        """The last part of the key."""
        ...

    @property
    def failure(self) -> Exception | None:
        """The first error of a read, which every further one raises again."""
        ...

    def expect(self, ranges: Sequence[range]) -> None:
        """Transfer these byte ranges ahead of the reads, which come in this order. They replace earlier ones.

        Raises WholeFileNeeded where they are most of the object.
        """
        ...

    def close(self) -> None:
        """End the requests that run."""
        ...


class RemoteFile(Protocol):
    """A media file of which the needed parts are transferred. Addresses in it need not be those of an object.

    Its files raise ItemError where the object cannot be read, and WholeFileNeeded where parts of it do not do.
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
        """The first error of a read. Demuxers may take it for the end of the file, so it is asked for afterwards."""
        ...

    def open(self, *, sound: bool = False) -> io.BufferedReader:
        """A seekable file, positioned at the start. All files of an object share what was transferred.

        Without `sound`, tracks that are no video may be empty.
        """
        ...

    def expect(self, ranges: Sequence[range]) -> None:
        """Transfer these byte ranges ahead of the reads, which come in this order.

        Raises WholeFileNeeded where they are most of the object.
        """
        ...

    def index_only(self) -> AbstractContextManager[None]:
        """Until its end, the content of packets may read as zeros."""
        ...

    def close(self) -> None:
        """End the requests that run."""
        ...


MediaFile = Path | RemoteFile


def size_of(file: MediaFile) -> int:
    """Size in bytes. Raises OSError."""
    return file.stat().st_size if isinstance(file, Path) else file.size


def open_file(file: MediaFile) -> BinaryIO:
    """Open for reading. Raises OSError."""
    return file.open("rb") if isinstance(file, Path) else file.open()


def local_path(file: MediaFile, why: str) -> Path:
    """The file, where it is local. Raises WholeFileNeeded, with `why`, where it is not."""
    if isinstance(file, Path):
        return file
    raise WholeFileNeeded(f"{file.name}: {why}")
