"""Blocks of an index of signatures: files with the keys and signatures of a fixed number of kept inputs.

A block begins with its number of inputs and 2 * count + 1 offsets, as uint32, little-endian. Then follows the CRC-32 of
each input (uint32), which earlier versions did not write. Then the key and signature of each input follow one another;
each begins and ends at the offsets. Keys are in UTF-8.
"""

import mmap
import os
import struct
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from reelmill_stages.stage import Signed

BLOCK = 4096
"""Number of inputs of a block."""
_OPEN = 64
"""Number of blocks whose files are open at the same time."""
_number = struct.Struct("<I").unpack_from
_offsets = struct.Struct("<3I").unpack_from


def block(rows: Sequence[Signed], first: int, *, sums: bool = True) -> bytes:
    """The bytes of a block whose inputs are numbered from `first`. Raises struct.error if they are 4 GiB.

    `sums` is False for a block as earlier versions wrote it.
    """
    pieces = [piece for key, data in rows for piece in (key.encode(), data)]
    inputs = zip(pieces[::2], pieces[1::2], strict=True) if sums else ()
    found = [_sum(key, data, number) for number, (key, data) in enumerate(inputs, first)]
    head = 4 * (len(pieces) + 2 + len(found))
    offsets = accumulate(map(len, pieces), initial=head)
    return struct.pack(f"<{len(pieces) + 2 + len(found)}I", len(rows), *offsets, *found) + b"".join(pieces)


def row(data: bytes | mmap.mmap, place: int, number: int | None = None) -> Signed:
    """An input of a block. Raises ValueError if there is none, or the block has another format.

    With `number`, the checksum must match: it is then input `number` of the index, and unchanged.
    """
    try:
        (count,) = _number(data)
        first, middle, end = _offsets(data, 4 + 8 * place)
        sums = 4 * (2 * count + 2)
        (wanted,) = (None,) if number is None else _number(data, sums + 4 * place)
    except struct.error as error:
        raise ValueError(f"not a block: {error}") from error
    if not (place < count and sums <= first <= middle <= end <= len(data)):
        raise ValueError(f"not a block with an input {place}")
    key, signature = data[first:middle], data[middle:end]
    if number is not None and _sum(key, signature, number) != wanted:
        raise ValueError(f"input {place} of the block is not the one that was kept")
    return Signed(key.decode(), signature)


def rows(data: bytes) -> Iterator[Signed]:
    """All inputs of a block. Raises ValueError as `row`."""
    if len(data) < 4:
        raise ValueError("not a block: it has no number of inputs")
    yield from (row(data, number) for number in range(_number(data)[0]))


def _sum(key: bytes, signature: bytes, number: int) -> int:
    """CRC-32 of an input; it includes the end of its key and its number."""
    return zlib.crc32(signature, zlib.crc32(key, number) ^ len(key))


class Blocks:
    """Blocks in files, of which a few are open. `file` returns the file of a block of `size` inputs.

    With `sums`, each input is compared with its checksum.
    """

    def __init__(self, file: Callable[[int], Path], size: int = BLOCK, *, sums: bool = False) -> None:
        self._file = file
        self._size = size
        self._sums = sums
        self._open: OrderedDict[int, mmap.mmap] = OrderedDict()

    def row(self, number: int) -> Signed:
        """An input, by its number over all blocks. Raises ValueError as the function `row`."""
        block, place = divmod(number, self._size)
        found = self._open.get(block)
        if found is None:
            file = os.open(self._file(block), os.O_RDONLY | os.O_CLOEXEC)
            try:
                found = mmap.mmap(file, 0, access=mmap.ACCESS_READ)
            finally:
                os.close(file)
            self._open[block] = found
            if len(self._open) > _OPEN:
                self._open.popitem(last=False)[1].close()
        else:
            self._open.move_to_end(block)
        return row(found, place, number if self._sums else None)
