"""Parser for boxes of ISO media files (ISO/IEC 14496-12), by their headers."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_HEADER = 16


@dataclass(frozen=True, slots=True)
class Box:
    """Byte offsets in the file: of the header, of the content, and of the end."""

    kind: bytes
    start: int
    content: int
    end: int

    @property
    def whole(self) -> range:
        """The range of the box with its header."""
        return range(self.start, self.end)

    @property
    def table(self) -> range:
        """The range of a table's entries, after version, flags and count."""
        return range(self.content + 8, self.end)


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes from `start` to `end`; stops at a remainder that is too short for a box.

    Raises ValueError if a box has an invalid length or exceeds its parent.
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
    """Build a box from parts; ranges stand for bytes of a file."""
    size = 8 + sum(map(len, parts))
    return [struct.pack(">I4s", size, kind), *parts]
