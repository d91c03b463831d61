"""A tar writer whose bytes depend on nothing but the members: no clock, no user, no permissions of the source file.

Headers are assembled by hand, because that is several times quicker than going through `tarfile`, and plain ustar,
which every reader opens. While it writes, it notes where samples begin, so that a `.tar.idx` costs no second pass.
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
"""A tar's length is a multiple of this."""

MAX_NAME = 100
MAX_SIZE = 8**11 - 1
"""Eleven octal digits: what ustar can say."""

_CHUNK = 1 << 20
_BUFFER = 1 << 20
_ZEROS = bytes(RECORD)
# Everything of a header but the name (0-100), the size (124-136) and the checksum (148-156): mode, uid, gid, mtime, a
# regular file, the magic, no names of user and group, no device.
_MIDDLE = b"0000444\0" + b"0000000\0" + b"0000000\0"
_MTIME = b"00000000000\0"
_TAIL = b"0" + bytes(100) + b"ustar\00000" + bytes(64) + b"0000000\0" + b"0000000\0" + bytes(155 + 12)
_CONSTANT_SUM = sum(_MIDDLE) + sum(_MTIME) + sum(_TAIL) + 8 * ord(" ")


def header(name: str, size: int) -> bytes:
    """The 512 bytes before a regular file.

    Raises ItemError(`bad_name`) for a name that ustar's first field cannot hold, and ItemError(`too_large`) for a
    file of 8 GiB or more.
    """
    raw = name.encode()
    if not raw or len(raw) > MAX_NAME or not name.isascii():
        raise ItemError(
            ItemReason.BAD_NAME, f"{name!r} cannot be the name of a tar's member: 1 to {MAX_NAME} ASCII characters"
        )
    if size > MAX_SIZE:
        raise ItemError(ItemReason.TOO_LARGE, f"{name} has {size} bytes; a tar's member holds at most {MAX_SIZE}")
    octal = b"%011o\0" % size
    checksum = b"%06o\0 " % (_CONSTANT_SUM + sum(raw) + sum(octal))
    return b"".join((raw.ljust(100, b"\0"), _MIDDLE, octal, _MTIME, checksum, _TAIL))


def index_bytes(offsets: list[int], end: int) -> bytes:
    """A `.tar.idx`: where each sample's first header lies and where the trailer begins, as little-endian uint64."""
    return struct.pack(f"<{len(offsets) + 1}Q", *offsets, end)


class TarWriter:
    """Writes one tar. Use as a context manager: it is complete only when the block was left without an exception."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        """Bytes written so far."""
        self._file: BinaryIO = path.open("wb", buffering=_BUFFER)
        self._samples: list[int] = []

    def begin(self) -> None:
        """The next member is the first one of a sample."""
        self._samples.append(self.size)

    def add(self, name: str, data: bytes | Path) -> int:
        """Write one member from memory or from a file; returns its size. Raises ItemError as `header` does."""
        if isinstance(data, Path):
            return self._copy(name, data)
        self._file.write(header(name, len(data)))
        self._file.write(data)
        self._pad(len(data))
        return len(data)

    def index(self) -> bytes:
        """The bytes of this tar's `.tar.idx`."""
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
                    raise TransientError(f"{path} shrank while it was packed", hint="who writes to it? run again")
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
        """Write the trailer and close; without `complete` the tar stays without one and its file is removed."""
        if self._file.closed:
            return
        if complete:
            self._file.write(_ZEROS[: 2 * BLOCK])
            self._file.write(_ZEROS[: -(self.size + 2 * BLOCK) % RECORD])
        self._file.close()
        if not complete:
            self.path.unlink(missing_ok=True)
