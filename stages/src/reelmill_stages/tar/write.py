"""A reproducible tar writer: the bytes depend only on the members, not on time, user or file permissions.

Headers are built directly, which is several times faster than `tarfile`, in the ustar format, which every reader
supports. The offsets of samples for the `.tar.idx` are recorded while writing.
"""

import os
import struct
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from reelmill.contract.errors import ItemError, TransientError
from reelmill.contract.reasons import ItemReason

BLOCK = 512
RECORD = 20 * BLOCK
"""The length of a tar is a multiple of this."""

MAX_NAME = 100
MAX_SIZE = 8**11 - 1
"""Maximum size in ustar: eleven octal digits."""

_CHUNK = 1 << 20
_BUFFER = 1 << 20
_ZEROS = bytes(RECORD)
# The constant parts of a header, without name (0-100), size (124-136) and checksum (148-156): mode, uid, gid, mtime,
# type, magic, user, group, device.
_MIDDLE = b"0000444\0" + b"0000000\0" + b"0000000\0"
_MTIME = b"00000000000\0"
_TAIL = b"0" + bytes(100) + b"ustar\00000" + bytes(64) + b"0000000\0" + b"0000000\0" + bytes(155 + 12)
_CONSTANT_SUM = sum(_MIDDLE) + sum(_MTIME) + sum(_TAIL) + 8 * ord(" ")


def header(name: str, size: int) -> bytes:
    """Return the header of a regular file, 512 bytes.

    Raises ItemError with reason `bad_name` for a name that does not fit into ustar's name field, and `too_large` for a
    file of 8 GiB or more.
    """
    raw = name.encode()
    if not raw or len(raw) > MAX_NAME or not name.isascii():
        raise ItemError(
            ItemReason.BAD_NAME, f"{name!r} cannot be the name of a tar member: 1 to {MAX_NAME} ASCII characters"
        )
    if size > MAX_SIZE:
        raise ItemError(ItemReason.TOO_LARGE, f"{name} has {size} bytes; a tar's member holds at most {MAX_SIZE}")
    octal = b"%011o\0" % size
    checksum = b"%06o\0 " % (_CONSTANT_SUM + sum(raw) + sum(octal))
    return b"".join((raw.ljust(100, b"\0"), _MIDDLE, octal, _MTIME, checksum, _TAIL))


def index_bytes(offsets: list[int], end: int) -> bytes:
    """Return the content of a `.tar.idx`: offsets of samples' first headers and the trailer, little-endian uint64."""
    return struct.pack(f"<{len(offsets) + 1}Q", *offsets, end)


class TarWriter:
    """Writes a tar. A context manager: the tar is complete only if the block ends without an exception."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        """Number of bytes written so far."""
        self._file: BinaryIO = path.open("wb", buffering=_BUFFER)
        self._samples: list[int] = []

    def begin(self) -> None:
        """Start a sample with the next member."""
        self._samples.append(self.size)

    def add(self, name: str, data: bytes | Path) -> int:
        """Write a member from memory or from a file; returns its size in bytes. Raises the errors of `header`."""
        if isinstance(data, Path):
            return self._copy(name, data)
        self._file.write(header(name, len(data)))
        self._file.write(data)
        self._pad(len(data))
        return len(data)

    def index(self) -> bytes:
        """Return the content of the `.tar.idx`."""
        return index_bytes(self._samples, self.size)

    def _copy(self, name: str, path: Path) -> int:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            size = os.fstat(fd).st_size
            self._file.write(header(name, size))
            left = size
            while left:
                chunk = os.read(fd, min(left, _CHUNK))
                if not chunk:
                    raise TransientError(
                        f"{path} became shorter while it was packed",
                        hint="check which process writes to it, then run again",
                    )
                self._file.write(chunk)
                left -= len(chunk)
        finally:
            os.close(fd)
        self._pad(size)
        return size

    def _pad(self, size: int) -> None:
        padding = -size % BLOCK
        if padding:
            self._file.write(_ZEROS[:padding])
        self.size += BLOCK + size + padding

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(complete=error is None)

    def close(self, *, complete: bool = True) -> None:
        """Write the trailer and close. If `complete` is False, close and delete the file."""
        if self._file.closed:
            return
        if complete:
            self._file.write(_ZEROS[: 2 * BLOCK])
            self._file.write(_ZEROS[: -(self.size + 2 * BLOCK) % RECORD])
        self._file.close()
        if not complete:
            self.path.unlink(missing_ok=True)
