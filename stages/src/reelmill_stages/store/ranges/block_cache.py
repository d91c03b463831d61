"""Blocks of objects in a local file of bounded size, with eviction of the least recently used block."""

import tempfile
import weakref
from collections import OrderedDict
from pathlib import Path

from reelmill_stages.store.local.errors import mapped

BLOCK = 4 << 10
"""Size of a block in bytes."""
LIMIT = 48 << 20
"""Maximum size of a cache on disk in bytes."""

Block = tuple[int, int]
"""Number of the object in the cache, and number of the block in the object."""


class BlockCache:
    """Blocks of any number of objects. The file is unlinked, so it is removed even if the process is killed.

    Raises DiskFull if the folder has no space. Not thread-safe.
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
        """Return a number for one more object."""
        self._objects += 1
        return self._objects

    @property
    def capacity(self) -> int:
        """Maximum number of bytes in the cache."""
        return self._most * self.block

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return len(self._slots) * self.block

    def __contains__(self, number: Block) -> bool:
        return number in self._slots

    def get(self, number: Block, start: int, length: int) -> bytes | None:
        """Return at most `length` bytes of a block, from its byte `start` on; None if it is not cached."""
        found = self._slots.get(number)
        if found is None:
            return None
        self._slots.move_to_end(number)
        slot, size = found
        length = min(length, size - start)
        self._file.seek(slot * self.block + start)
        return self._file.read(length)

    def put(self, number: Block, data: bytes | memoryview) -> None:
        """Cache a block. Raises DiskFull."""
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
        """Release the disk space."""
        self._file.close()
        self._slots.clear()
