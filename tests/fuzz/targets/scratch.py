"""A file or folder for parsers that read from disk, in memory if the machine supports it."""

import os
import shutil
import tempfile
import weakref
from pathlib import Path

_SHARED_MEMORY = Path("/dev/shm")
MEMORY = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None
"""A folder in memory, or None. Each file that is made or removed on a disk takes as long as many executions."""
SEPARATOR = b"<|>"
"""Separator of the parts of an input."""


class Scratch:
    """A folder that is emptied before each use, and removed with the process."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="fuzz-", dir=os.environ.get("TMPDIR") or MEMORY))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def file(self, data: bytes, name: str = "input") -> Path:
        """A file with this content."""
        path = self.path / name
        path.write_bytes(data)
        return path

    def folder(self) -> Path:
        """An empty folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir()
        return self.path


scratch = Scratch()


def parts(data: bytes, count: int) -> list[bytes]:
    """Exactly `count` parts of an input; those that it lacks are empty."""
    found = data.split(SEPARATOR, count - 1)
    return found + [b""] * (count - len(found))
