"""Sparse members of a tar: files with holes, of which only the pieces between the holes are stored.

GNU tar defines four formats (its manual, "Storing Sparse Files"): the old one with the map in headers of type `S`, and
0.0, 0.1 and 1.0 in pax records; 1.0 has the map before the data.
"""

import re
from collections.abc import Callable
from itertools import pairwise

from reelmill_stages.tar.header import BLOCK, BadTar, number
from reelmill_stages.tar.pax import Records, last, whole

Read = Callable[[int, int], bytes]
"""Returns bytes by (size, position); fewer at the end of the tar."""
Pieces = tuple[tuple[int, int], ...]
"""(offset in the file, size) of each stored piece, in order."""

_OLD_ENTRIES, _MORE_ENTRIES = 4, 21
_MAX_MAP = 16 << 20
_NUMBER = re.compile(rb"(\d{1,19})\n")


def checked(pieces: list[tuple[int, int]], size: int, stored: int, position: int) -> Pieces:
    """Check the map of a file of `size` bytes, `stored` of them in the tar. Raises BadTar(`corrupt_header`)."""
    ordered = all(sum(one) <= other[0] for one, other in pairwise(pieces))
    if not ordered or sum(part for _, part in pieces) > stored or (pieces and sum(pieces[-1]) > size):
        raise BadTar("corrupt_header", f"the map of the sparse file at byte {position} does not match its size")
    return tuple(piece for piece in pieces if piece[1])


def old_map(block: bytes, read: Read, position: int) -> tuple[list[tuple[int, int]], int, int]:
    """Return (pieces, size of the file, bytes of further headers) of a header of type `S`."""
    found = _entries(block, 386, _OLD_ENTRIES, position)
    size, extended, taken = number(block[483:495], position), block[482], 0
    while extended:
        more = read(BLOCK, position + BLOCK + taken)
        if len(more) < BLOCK:
            raise BadTar("truncated", f"the tar ends inside a header at byte {position}")
        found += _entries(more, 0, _MORE_ENTRIES, position)
        extended, taken = more[504], taken + BLOCK
    return found, size, taken


def _entries(block: bytes, at: int, count: int, position: int) -> list[tuple[int, int]]:
    fields = (block[place : place + 24] for place in range(at, at + 24 * count, 24))
    # The list ends at its first empty entry.
    used = [field for field in fields if field.strip(b"\0 ")]
    return [(number(field[:12], position), number(field[12:], position)) for field in used]


def pax_map(pax: Records, read: Read, data: int, stored: int) -> tuple[list[tuple[int, int]], int, int] | None:
    """Return (pieces, size of the file, bytes of the map before the data) by pax records; None if not sparse."""
    if last(pax, b"GNU.sparse.major") == b"1" and last(pax, b"GNU.sparse.minor") == b"0":
        numbers, taken = _map_before_data(read, data, stored)
        size = last(pax, b"GNU.sparse.realsize")
    elif (written := last(pax, b"GNU.sparse.map")) is not None:
        numbers, taken = [whole(value, data) for value in written.split(b",") if written], 0
        size = last(pax, b"GNU.sparse.size")
    elif (size := last(pax, b"GNU.sparse.size")) is not None:
        keys = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
        numbers, taken = [whole(value, data) for key, value in pax if key in keys], 0
    else:
        return None
    if len(numbers) % 2 or size is None:
        raise BadTar("corrupt_header", f"the map of the sparse file before byte {data} is incomplete")
    return list(zip(numbers[::2], numbers[1::2], strict=True)), whole(size, data), taken


def _map_before_data(read: Read, data: int, stored: int) -> tuple[list[int], int]:
    """Return the numbers of a map in format 1.0, and its size in bytes: decimal lines, padded to whole blocks."""
    text, at, wanted = b"", 0, 1
    numbers: list[int] = []
    while len(numbers) < wanted:
        found = _NUMBER.match(text, at)
        if found is None:
            start = data + len(text)
            more = read(min(1 << 16, data + min(stored, _MAX_MAP) - start), start) if len(text) < stored else b""
            if not more or len(text) - at > BLOCK:
                raise BadTar("corrupt_header", f"the map of the sparse file at byte {data} has no end")
            text += more
            continue
        numbers.append(int(found[1]))
        at = found.end()
        if len(numbers) == 1:
            wanted += 2 * numbers[0]
    taken = at + -at % BLOCK
    if taken > stored:
        raise BadTar("corrupt_header", f"the map of the sparse file at byte {data} has no end")
    return numbers[1:], taken
