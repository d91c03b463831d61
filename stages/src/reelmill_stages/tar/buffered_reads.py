"""Reading of a tar front to back in large steps, so that headers and small payloads need no separate system calls."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

_STEP = 1 << 16


class BufferedReads:
    """Reads of a file by size and position, as `sparse.Read`. A context manager.

    Reads before the current window, or larger than it, go to the file directly.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self.total = os.fstat(self._fd).st_size
        """Size of the file in bytes."""
        self._window, self._begin = b"", 0

    def __call__(self, size: int, position: int) -> bytes:
        """Read up to `size` bytes from `position` on, fewer at the end of the file."""
        at = position - self._begin
        if at >= 0 and at + size <= len(self._window):
            return self._window[at : at + size]
        if at < 0 or size > _STEP:
            return self._read(size, position)
        self._window, self._begin = self._read(_STEP, position), position
        return self._window[:size]

    def _read(self, size: int, position: int) -> bytes:
        found = os.pread(self._fd, size, position)
        while len(found) < size and (more := os.pread(self._fd, size - len(found), position + len(found))):
            found += more
        return found

    def close(self) -> None:
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
