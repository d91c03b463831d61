"""Blocks of objects in a local file of bounded size; the block that was not read for the longest time goes first."""

import tempfile
import weakref
from collections import OrderedDict
from pathlib import Path

from reelmill_stages.store.local.errors import mapped

BLOCK = 4 << 10
"""Bytes."""
LIMIT = 48 << 20
"""Bytes on disk of a cache."""

Block = tuple[int, int]
"""Number of the object in the cache, and number of the block in the object."""


class BlockCache:
    """Blocks of any number of objects. The file has no name, so nothing is left of it however the process ends.

    Raises DiskFull where the folder has no space. Not thread-safe.
    """

    def __init__(self, folder: Path, *, block: int = BLOCK, limit: int = LIMIT) -> None:
        self.block = block
        self._most = max(2, limit // block)
        self._folder = folder
        with mapped(folder):
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - open as long as the cache
        weakref.finalize(self, self._file.close)
        self._slots: OrderedDict[Block, tuple[int, int]] = OrderedDict()
        self._objects = 0

    def add_object(self) -> int:
        """A number for one more object."""
        self._objects += 1
        return self._objects

    @property
    def capacity(self) -> int:
        """The most bytes that it holds."""
        return self._most * self.block

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return len(self._slots) * self.block

    def __contains__(self, number: Block) -> bool:
        return number in self._slots

    def get(self, number: Block, start: int, length: int) -> bytes | None:
        """At most `length` bytes of a block, from its byte `start` on; None where it is not held."""
        found = self._slots.get(number)
        if found is None:
            return None
        self._slots.move_to_end(number)
        slot, size = found
        length = min(length, size - start)
        self._file.seek(slot * self.block + start)
        return self._file.read(length)

    def put(self, number: Block, data: bytes | memoryview) -> None:
        """Hold a block. Raises DiskFull."""
        if number in self._slots:
            return
        if len(self._slots) < self._most:
            slot = len(self._slots)
        else:
            _, (slot, _) = self._slots.popitem(last=False)
        with mapped(self._folder):
            self._file.seek(slot * self.block)
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
        self._slots[number] = (slot, len(data))

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()
        self._slots.clear()
