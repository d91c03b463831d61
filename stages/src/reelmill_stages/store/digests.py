"""SHA-256 digests of files and objects, as `sha256:<hex>`."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from reelmill_stages.store import Store

CHUNK = 1 << 20
"""Bytes that are read at a time."""


def file_digest(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def object_digest(store: Store, key: str, *, passed: Callable[[int], None] | None = None) -> tuple[str, int]:
    """(digest, size in bytes) of an object, by reading it once. `passed` is called with the size of each chunk.

    Raises NotFound.
    """
    digest, size = hashlib.sha256(), 0
    with store.open(key) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            if passed:
                passed(len(chunk))
    return f"sha256:{digest.hexdigest()}", size
