"""Reads the headers of a tar, without reading payloads.

Errors that a lenient reader would ignore are reported: a truncated tar, or a header with a wrong checksum.
"""

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason

BLOCK = 512
_REGULAR = b"0\0" + b"7"
_LONG_NAME = ord("L")
_LONG_LINK = ord("K")
_PAX = ord("x")
_PAX_GLOBAL = ord("g")
_GZIP = b"\x1f\x8b"
_ADLER_BASE = 65521
_MAX_EXTENSION = 1 << 20


class BadTar(ItemError):
    """A tar that a trainer cannot use. `rule` is the name of the broken rule."""

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(ItemReason.BAD_TAR, f"{rule}: {what}")
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in a tar: `offset` of its first header and `data` of its payload, and `size`, all in bytes."""

    name: str
    offset: int
    data: int
    size: int


@dataclass(slots=True)
class Walk:
    """The result of a finished walk: `end` is the offset of the trailer in bytes."""

    end: int = 0


def walk(path: Path, left: Walk | None = None) -> Iterator[Member]:
    """The regular files of a tar, in order.

    Raises BadTar with the rule `empty_file`, `compressed`, `truncated` or `corrupt_header`. `left` is set at the end.
    """
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        yield from _walk(fd, os.fstat(fd).st_size, left or Walk())
    finally:
        os.close(fd)


def read(path: Path, member: Member) -> bytes:
    """Read the payload of a member."""
    with path.open("rb") as file:
        file.seek(member.data)
        return file.read(member.size)


def _walk(fd: int, total: int, left: Walk) -> Iterator[Member]:
    if not total:
        raise BadTar("empty_file", "the file has no bytes")
    if os.pread(fd, len(_GZIP), 0) == _GZIP:
        raise BadTar("compressed", "it is gzip, which no index can point into: unpack it to a plain tar")
    position = first = 0
    name = ""
    size: int | None = None
    while True:
        block = os.pread(fd, BLOCK, position)
        if len(block) < BLOCK:
            raise BadTar("truncated", f"it ends at byte {total} without the trailer that closes a tar")
        if block[0] == 0 and not any(block):
            left.end = first
            return
        _verify(block, position)
        kind = block[156]
        declared = _number(block[124:136], position)
        data = position + BLOCK
        if kind in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL):
            if declared > _MAX_EXTENSION:
                raise BadTar("corrupt_header", f"an extension of {declared} bytes at byte {position}")
            extension = _extension(fd, data, declared, total)
            if kind == _LONG_NAME:
                name = _text(extension)
            elif kind == _PAX:
                fields = _pax(extension, position)
                name = _text(fields.get(b"path", b"")) or name
                size = int(fields[b"size"]) if b"size" in fields else size
        else:
            length = (declared if size is None else size) if kind in _REGULAR else 0
            if data + length > total:
                missing = data + length - total
                raise BadTar("truncated", f"{name or _name(block)} lacks its last {missing} bytes")
            if kind in _REGULAR:
                yield Member(name or _name(block), first, data, length)
            declared, name, size = length, "", None
        position = data + declared + -declared % BLOCK
        if kind not in (_LONG_NAME, _LONG_LINK, _PAX):
            first = position


def _verify(block: bytes, position: int) -> None:
    # The low half of Adler-32 is one plus the sum of all bytes modulo 65521, a fast way to compute the checksum.
    stored = _number(block[148:156], position, what="checksum")
    field = block[148:156]
    expected = stored - 8 * 32 + sum(field)
    if (zlib.adler32(block) & 0xFFFF) == (1 + expected) % _ADLER_BASE:
        return
    signed = sum(byte - 256 if byte > 127 else byte for byte in block)
    if signed == expected:
        return
    raise BadTar("corrupt_header", f"no valid header at byte {position}")


def _number(field: bytes, position: int, what: str = "size") -> int:
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    try:
        return int(field.rstrip(b" \0") or b"0", 8)
    except ValueError:
        raise BadTar("corrupt_header", f"no {what} in the header at byte {position}") from None


def _name(block: bytes) -> str:
    name = _text(block[:100])
    if block[345] and block[257:262] == b"ustar" and block[262:263] != b" ":
        return f"{_text(block[345:500])}/{name}"
    return name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _extension(fd: int, data: int, length: int, total: int) -> bytes:
    if data + length > total:
        raise BadTar("truncated", f"it ends inside of a header at byte {data}")
    return os.pread(fd, length, data)


def _pax(extension: bytes, position: int) -> dict[bytes, bytes]:
    fields = {}
    while extension.strip(b"\0"):
        try:
            length = int(extension.split(b" ", 1)[0])
            record, extension = extension[:length], extension[length:]
            key, _, value = record.split(b" ", 1)[1].partition(b"=")
        except (ValueError, IndexError):
            raise BadTar("corrupt_header", f"a damaged extended header at byte {position}") from None
        if length <= 0:
            raise BadTar("corrupt_header", f"a damaged extended header at byte {position}")
        fields[key] = value.rstrip(b"\n")
    return fields
