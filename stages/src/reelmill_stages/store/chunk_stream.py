"""Chunks of bytes as a file."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from reelmill_stages.store.streams import LargeReads


class ChunkStream(LargeReads):
    """Chunks as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = memoryview(b"")

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = memoryview(next(self._chunks, b""))
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Return the same chunks after reading the first one, so that an error is raised at once."""
    first = next(chunks, b"")
    return chain([first], chunks)
