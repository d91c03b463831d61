"""A media file as stages pass it to the media code: a local file, or an object in a bucket that is read by ranges."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Protocol


class WholeFileNeeded(Exception):
    """Ranges of the object are not enough, or cannot be had; the message says why.

    No fault of the item, so it is no ItemError: whoever opened the file discards what was made of it, downloads the
    whole object, and starts again.
    """


class RemoteFile(Protocol):
    """An object that is read by ranges.

    Its files raise ItemError where the object cannot be read, and WholeFileNeeded where the server gives no ranges.
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

    def open(self) -> BufferedReader:
        """A seekable file, positioned at the start. All files of an object share what was transferred."""
        ...

    def expect(self, ranges: Sequence[range]) -> None:
        """Transfer these byte ranges ahead of the reads, which come in this order.

        Raises WholeFileNeeded where they are most of the object.
        """
        ...

    def index_only(self) -> AbstractContextManager[None]:
        """Until its end, bytes that were not transferred yet read as zeros."""
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
