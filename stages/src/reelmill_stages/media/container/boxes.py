"""Boxes of an ISO media file (ISO/IEC 14496-12), by their headers."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_HEADER = 16


@dataclass(frozen=True, slots=True)
class Box:
    """Byte offsets in the file: of the header, of the content, and of what follows."""

    kind: bytes
    start: int
    content: int
    end: int

    @property
    def whole(self) -> range:
        """With its header."""
        return range(self.start, self.end)

    @property
    def table(self) -> range:
        """The entries of a table, behind version, flags and count."""
        return range(self.content + 8, self.end)


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """The boxes from `start` to `end`; a rest that is too short for a box ends them.

    Raises ValueError where one has no valid length, or leaves its surroundings.
    """
    place = start
    while place + 8 <= end:
        file.seek(place)
        head = file.read(_HEADER)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head[:8])
        header = 8
        if length == 1:
            header = 16
            length = struct.unpack(">Q", head[8:])[0] if len(head) == _HEADER else 0
        elif length == 0:
            length = end - place
        if length < header or place + length > end:
            raise ValueError(f"the box at byte {place} has no valid length")
        yield Box(kind, place, place + header, place + length)
        place += length


def packed(kind: bytes, parts: list[bytes | range]) -> list[bytes | range]:
    """A box of these parts, of which ranges stand for bytes of a file."""
    size = 8 + sum(map(len, parts))
    return [struct.pack(">I4s", size, kind), *parts]
