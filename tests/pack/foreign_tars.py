"""Tars by other writers and by nobody's, made block by block: what `tarfile` writes not, or not on purpose."""

import io
import tarfile
from collections.abc import Sequence

TRAILER = bytes(1024)


def header(name: bytes, size: int | bytes, kind: bytes = b"0", *, tail: bytes = b"") -> bytes:
    """512 bytes; a size given as bytes is written as it is, `tail` from byte 345 on."""
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108] = b"0000644\0"
    block[108:124] = b"0000000\0" * 2
    block[124:136] = size.ljust(12, b"\0") if isinstance(size, bytes) else b"%011o\0" % size
    block[136:148] = b"00000000000\0"
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[257:265] = b"ustar  \0" if kind in (b"S", b"L", b"K") else b"ustar\00000"
    block[345 : 345 + len(tail)] = tail
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def with_field(block: bytes, at: int, value: bytes) -> bytes:
    """A header with other bytes at an offset, and its checksum."""
    changed = bytearray(block)
    changed[at : at + len(value)] = value
    changed[148:156] = b" " * 8
    changed[148:156] = b"%06o\0 " % sum(changed)
    return bytes(changed)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def member(name: bytes, data: bytes, kind: bytes = b"0") -> bytes:
    return header(name, len(data), kind) + padded(data)


def pax(*records: tuple[bytes, bytes], kind: bytes = b"x") -> bytes:
    """An extended header of these records, in order."""
    lines = b""
    for key, value in records:
        rest = b" %s=%s\n" % (key, value)
        length = next(size for size in range(len(rest), len(rest) + 9) if size == len(str(size)) + len(rest))
        lines += b"%d%s" % (length, rest)
    return member(b"PaxHeaders/x", lines, kind)


Pieces = Sequence[tuple[int, bytes]]


def old_sparse(name: bytes, pieces: Pieces, size: int) -> bytes:
    """GNU's first format: the map in the header and, beyond four pieces, in further ones."""
    entries = [b"%011o\0%011o\0" % (offset, len(data)) for offset, data in pieces]
    first, more = entries[:4], entries[4:]
    tail = bytes(41) + b"".join(first).ljust(96, b"\0") + (b"\1" if more else b"\0") + b"%011o\0" % size
    blocks = header(name, sum(len(data) for _, data in pieces), b"S", tail=tail)
    while more:
        now, more = more[:21], more[21:]
        blocks += (b"".join(now).ljust(504, b"\0") + (b"\1" if more else b"\0")).ljust(512, b"\0")
    return blocks + padded(b"".join(data for _, data in pieces))


def pax_sparse(name: bytes, pieces: Pieces, size: int, version: str) -> bytes:
    """The formats 0.0, 0.1 and 1.0."""
    numbers = [number for offset, data in pieces for number in (offset, len(data))]
    stored = b"".join(data for _, data in pieces)
    count, whole = b"%d" % len(pieces), b"%d" % size
    if version == "1.0":
        lines = b"".join(b"%d\n" % number for number in [len(pieces), *numbers])
        told = [(b"major", b"1"), (b"minor", b"0"), (b"name", name), (b"realsize", whole)]
        stored = padded(lines) + stored
    elif version == "0.1":
        map_ = b",".join(b"%d" % number for number in numbers)
        told = [(b"size", whole), (b"numblocks", count), (b"name", name), (b"map", map_)]
    else:
        keys = (b"offset", b"numbytes")
        told = [(b"size", whole), (b"numblocks", count)]
        told += [(keys[at % 2], b"%d" % number) for at, number in enumerate(numbers)]
    fields = [(b"GNU.sparse." + key, value) for key, value in told]
    # The plain name of such a member says that it is in pieces: only readers that know no sparse files see it.
    plain = name if version == "0.0" else b"GNUSparseFile.1/" + name.rpartition(b"/")[2]
    return pax(*fields) + member(plain, stored)


def by_tarfile(name: str, data: bytes, form: int) -> bytes:
    """A member as Python's tarfile writes it."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as made:
        made.addfile(info, io.BytesIO(data))
        return out.getvalue()[: made.offset]
