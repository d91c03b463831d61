"""Reading of a tar's headers, without reading payloads.

Errors that a lenient reader would ignore are reported, such as a truncated tar or a header with a wrong checksum. Every
step advances by at least one header, so the walk ends for any input.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from reelmill_stages.tar.header import BLOCK, BadTar, check_attributes, name_of, number, text, verify
from reelmill_stages.tar.pax import Records, last, records, whole
from reelmill_stages.tar.sparse import Pieces, Read, checked, old_map, pax_map

__all__ = [
    "BLOCK", "MAX_PAYLOAD", "BadTar", "Member", "Walk", "payload", "read", "read_member", "walk", "walk_bytes",
    "walk_reads",
]  # fmt: skip

_REGULAR = b"0\0" + b"7"
_SPARSE = ord("S")
_WITHOUT_DATA = b"123456"
"""Links, devices, folders and pipes: no data follows, regardless of the size in the header."""
_LONG_NAME = ord("L")
_LONG_LINK = ord("K")
_PAX = b"xX"
_PAX_GLOBAL = ord("g")
_COMPRESSED = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\0": "xz", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd"}
_EXTENSIONS = bytes([_LONG_NAME, _LONG_LINK, *_PAX, _PAX_GLOBAL])
_MAX_EXTENSIONS = 16
_MAX_EXTENSION = 1 << 20
MAX_PAYLOAD = 1 << 30
"""Maximum payload, in bytes, that is read to memory by default."""
_MAX_HOLES = 256 << 20
"""Maximum size, in bytes, of a sparse member expanded in memory; a few headers can describe any size."""


class Member(NamedTuple):
    """A regular file in a tar: `offset` of its first header and `data` of its payload, and `size`, all in bytes.

    `pieces` is the map of a sparse member; its `size` includes the holes, and its pieces are stored back to back.
    """

    name: str
    offset: int
    data: int
    size: int
    pieces: Pieces | None = None


@dataclass(slots=True)
class Walk:
    """The result of a finished walk: `end` is the offset of the trailer in bytes."""

    end: int = 0


def walk(path: Path, left: Walk | None = None) -> Iterator[Member]:
    """Yield the regular files of a tar, in order.

    Raises BadTar with the rule `empty_file`, `compressed`, `truncated` or `corrupt_header`. `left` is set at the end.
    """
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        yield from _walk(lambda size, at: os.pread(fd, size, at), os.fstat(fd).st_size, left or Walk())
    finally:
        os.close(fd)


def walk_bytes(data: bytes) -> Iterator[Member]:
    """Like `walk`, for a tar (or whole members and a trailer) in memory."""
    return walk_reads(lambda size, at: data[at : at + size], len(data))


def walk_reads(read: Read, total: int) -> Iterator[Member]:
    """Like `walk`, for `total` bytes that are read by a function."""
    return _walk(read, total, Walk())


def read(path: Path, member: Member) -> bytes:
    """Read the payload of a member. Raises the errors of `read_member`."""
    with path.open("rb") as file:
        return read_member(file, member)


def read_member(file: BinaryIO, member: Member, limit: int = MAX_PAYLOAD) -> bytes:
    """Read the payload of a member of an open tar. Raises the errors of `payload`."""

    def at(size: int, position: int) -> bytes:
        file.seek(position)
        return file.read(size)

    return payload(at, member, limit)


def payload(read: Read, member: Member, limit: int = MAX_PAYLOAD) -> bytes:
    """Return the payload of a member. Raises BadTar(`too_large`) for a size beyond the limit in bytes."""
    most = limit if member.pieces is None else min(limit, _MAX_HOLES)
    if member.size > most:
        kind = "member" if member.pieces is None else "sparse member"
        raise BadTar("too_large", f"{kind} {member.name} has {member.size} bytes, more than the limit of {most}")
    if member.pieces is None:
        return read(member.size, member.data)
    expanded, position = bytearray(member.size), member.data
    for offset, size in member.pieces:
        expanded[offset : offset + size] = read(size, position)
        position += size
    return bytes(expanded)


@dataclass(slots=True)
class _Extension:
    """Extended headers before a member. Of two with the same field, the first counts, as in Python's tarfile."""

    name: str | None = None
    records: Records = field(default_factory=list)
    headers: int = 0

    def add(self, kind: int, header_data: bytes, position: int) -> None:
        """Add a header of GNU (a long name) or of pax. Raises BadTar if there are too many for one member."""
        self.headers += 1
        if self.headers > _MAX_EXTENSIONS:
            raise BadTar(
                "corrupt_header", f"more than {_MAX_EXTENSIONS} extension headers for one member at byte {position}"
            )
        if kind == _LONG_NAME:
            self._set_name(text(header_data))
        elif kind in _PAX:
            found = records(header_data, position)
            self._set_name(_path_in_records(found))
            self.records = [*found, *self.records]

    def _set_name(self, name: str | None) -> None:
        self.name = name if self.name is None else self.name


def _path_in_records(pax: Records) -> str | None:
    if (sparse := last(pax, b"GNU.sparse.name")) is not None:
        return text(sparse)
    path = last(pax, b"path")
    return None if path is None else text(path).rstrip("/")


def _walk(read: Read, total: int, left: Walk) -> Iterator[Member]:
    if not total:
        raise BadTar("empty_file", "the file is empty")
    begin = read(8, 0)
    if form := next((name for magic, name in _COMPRESSED.items() if begin.startswith(magic)), None):
        raise BadTar("compressed", f"the file is compressed with {form} and cannot be indexed: decompress it")
    position = first = 0
    shared: dict[bytes, bytes] = {}
    extension = _Extension()
    while True:
        block = read(BLOCK, position)
        if len(block) < BLOCK:
            raise BadTar("truncated", f"the tar ends at byte {total} without its end marker")
        if block[0] == 0 and not any(block):
            if extension.headers:
                raise BadTar("corrupt_header", f"the member after the extension header at byte {first} is missing")
            left.end = first
            return
        verify(block, position)
        check_attributes(block, position)
        kind = block[156]
        if kind in _EXTENSIONS:
            size = number(block[124:136], position)
            header_data = _read_extension(read, position + BLOCK, size, total)
            extension.add(kind, header_data, position)
            if kind == _PAX_GLOBAL:
                shared.update(records(header_data, position, strict=False))
            position += BLOCK + size + -size % BLOCK
            if kind == _PAX_GLOBAL:
                first = position
            continue
        if shared:
            path = _path_in_records([*shared.items()]) if extension.name is None else extension.name
            extension = _Extension(path, [*shared.items(), *extension.records])
        member, end = _member_of_header(block, read, position, first, extension)
        if end > total:
            name = name_of(block) if extension.name is None else extension.name
            raise BadTar("truncated", f"the last {end - total} bytes of {name} are missing")
        if member is not None:
            yield member
        position = first = end + -end % BLOCK
        if extension.headers or shared:
            extension = _Extension()


def _member_of_header(
    block: bytes, read: Read, position: int, first: int, extension: _Extension
) -> tuple[Member | None, int]:
    """Return the member of a header (None if it is not a regular file), and where its payload ends in the tar."""
    kind, stored, data = block[156], number(block[124:136], position), position + BLOCK
    if extension.records and (size := last(extension.records, b"size")) is not None:
        stored = whole(size, position)
    # Old tars store a folder as a file whose name ends in a slash.
    if kind in _WITHOUT_DATA or (kind == 0 and text(block[:100]).endswith("/")):
        return None, data
    name = name_of(block) if extension.name is None else extension.name
    if kind == _SPARSE:
        pieces, whole_size, headers = old_map(block, read, position)
        data += headers
        return Member(name, first, data, whole_size, checked(pieces, whole_size, stored, position)), data + stored
    if kind not in _REGULAR:
        return None, data + stored
    if extension.records and (sparse := pax_map(extension.records, read, data, stored)):
        pieces, whole_size, map_ = sparse
        there = checked(pieces, whole_size, stored - map_, position)
        return Member(name, first, data + map_, whole_size, there), data + stored
    return Member(name, first, data, stored), data + stored


def _read_extension(read: Read, data: int, size: int, total: int) -> bytes:
    if size > _MAX_EXTENSION:
        raise BadTar("corrupt_header", f"the extension header at byte {data - BLOCK} is too large: {size} bytes")
    if data + size > total:
        raise BadTar("truncated", f"the tar ends inside a header at byte {data}")
    return read(size, data)
