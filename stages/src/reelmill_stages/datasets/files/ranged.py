"""A seekable file over an object in a bucket, which transfers only the ranges that are read."""

import io
from typing import Any

from reelmill_stages.store import Store

BUFFER = 256 << 10
"""Minimum size in bytes of a request."""


class RangedObject(io.RawIOBase):
    """A read-only raw file; not for use in several processes. Raises PreconditionFailed if the object is replaced."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key
        found = store.stat(key)
        self._size, self._etag = found.size, found.etag
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        room = memoryview(buffer).cast("B")
        length = min(len(room), self._size - self._at)
        if length <= 0:
            return 0
        data = self._store.read(self._key, start=self._at, length=length, if_match=self._etag)
        room[: len(data)] = data
        self._at += len(data)
        return len(data)


def ranged(store: Store, key: str) -> io.BufferedReader:
    """Open an object as a buffered file. Raises NotFound."""
    return io.BufferedReader(RangedObject(store, key), BUFFER)
