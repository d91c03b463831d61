"""Reading of a file that other programs may write to at any time: the bytes of one version, or none."""

import os
from pathlib import Path
from typing import BinaryIO

from reelmill.contract.errors import TransientError

READS = 4
"""Number of reads after which a file that changes during each of them is refused."""


def read_version(file: BinaryIO, start: int, length: int | None) -> bytes | None:
    """Return `length` bytes from the offset `start`, or all; None if the file changed while it was read."""
    before = os.fstat(file.fileno())
    # Python allocates the requested size, even for a small file.
    left = max(0, before.st_size - start)
    data = b""
    if left:
        file.seek(start)
        data = file.read(left if length is None else min(length, left))
    after = os.fstat(file.fileno())
    return data if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size) else None


def always_changing(path: Path) -> TransientError:
    """Return the error for a file that changed during every read."""
    return TransientError(
        "the file changed each time it was read", where=str(path), hint="wait until no program writes to it, then retry"
    )
