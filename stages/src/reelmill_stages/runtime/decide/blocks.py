"""Blocks of an index of signatures: the keys and signatures of so many kept inputs in one file.

A block begins with its number of inputs and 2 * count + 1 offsets, as uint32, little-endian; key and signature of
each follow one another, and each begins and ends at the offsets. Keys are in UTF-8.
"""

import mmap
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from reelmill_stages.stage import Signed

BLOCK = 4096
"""Number of inputs of a block."""
_OPEN = 64
"""Number of blocks whose files are open at the same time."""


def block(rows: Sequence[Signed]) -> bytes:
    """The bytes of a block. Raises struct.error if they are 4 GiB."""
    pieces = [piece for key, data in rows for piece in (key.encode(), data)]
    head = 4 * (len(pieces) + 2)
    offsets = accumulate(map(len, pieces), initial=head)
    return struct.pack(f"<{len(pieces) + 2}I", len(rows), *offsets) + b"".join(pieces)


def row(data: bytes | mmap.mmap, number: int) -> Signed:
    """An input of a block. Raises ValueError if there is none, or the block is of another form."""
    try:
        (count,) = struct.unpack_from("<I", data)
        first, middle, end = struct.unpack_from("<3I", data, 4 + 8 * number)
    except struct.error as error:
        raise ValueError(f"not a block: {error}") from error
    if not (number < count and 4 * (2 * count + 2) <= first <= middle <= end <= len(data)):
        raise ValueError(f"not a block with an input {number}")
    return Signed(bytes(data[first:middle]).decode(), bytes(data[middle:end]))


def rows(data: bytes) -> Iterator[Signed]:
    """All inputs of a block. Raises ValueError as `row`."""
    if len(data) < 4:
        raise ValueError("not a block: it has no number of inputs")
    yield from (row(data, number) for number in range(struct.unpack_from("<I", data)[0]))


class Blocks:
    """Blocks in files, of which a few are open. `file` gives the file of a block, of `size` inputs."""

    def __init__(self, file: Callable[[int], Path], size: int = BLOCK) -> None:
        self._file = file
        self._size = size
        self._open: OrderedDict[int, mmap.mmap] = OrderedDict()

    def row(self, number: int) -> Signed:
        """An input, by its number over all blocks. Raises ValueError as the function."""
        block, place = divmod(number, self._size)
        found = self._open.get(block)
        if found is None:
            with self._file(block).open("rb") as file:
                found = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._open[block] = found
            if len(self._open) > _OPEN:
                self._open.popitem(last=False)[1].close()
        else:
            self._open.move_to_end(block)
        return row(found, place)
