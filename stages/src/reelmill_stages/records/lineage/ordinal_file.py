"""Rows on disk that are looked up by number, for the links from items back to their inputs."""

import struct
from pathlib import Path

_PLACE = struct.Struct("<QQ")
_GAP = _PLACE.pack(0, 0)


class OrdinalFile:
    """A file of rows and a file of their positions, 16 bytes per number. Both are deleted with their folder.

    All rows must be added, in ascending order of their numbers, before the first one is read.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._rows = (folder / f"{name}.rows").open("w+b")
        self._places = (folder / f"{name}.places").open("w+b")
        self._count = self._end = 0

    def add(self, number: int, row: bytes) -> None:
        """Add a row. Raises ValueError if the number is not greater than all before it."""
        if number < self._count:
            raise ValueError(f"the row {number} comes after the row {self._count - 1}")
        for _ in range(number - self._count):
            self._places.write(_GAP)
        self._places.write(_PLACE.pack(self._end, len(row)))
        self._rows.write(row)
        self._end += len(row)
        self._count = number + 1

    def __len__(self) -> int:
        """The last number plus one."""
        return self._count

    def get(self, number: int) -> bytes:
        """The row with this number; empty if there is none."""
        if not 0 <= number < self._count:
            return b""
        self._places.seek(number * _PLACE.size)
        start, length = _PLACE.unpack(self._places.read(_PLACE.size))
        self._rows.seek(start)
        return self._rows.read(length)

    def close(self) -> None:
        self._rows.close()
        self._places.close()
