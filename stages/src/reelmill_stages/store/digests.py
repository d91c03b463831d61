"""SHA-256 digests of files and objects, as `sha256:<hex>`, and CRC-32 of files."""

import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path

from reelmill_stages.store import Store

CHUNK = 1 << 20
"""Bytes that are read at a time."""


SUMS = ".reelmill-export.sha256"
"""Name of the file with the digests of an export: views first. `sha256sum --check` reads it."""


def file_digest(path: Path) -> str:
    """Return the digest of a file."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def file_sum(path: Path) -> int:
    """Return the CRC-32 of a file, which detects damage but not forgery."""
    found = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found = zlib.crc32(chunk, found)
    return found


def object_digest(store: Store, key: str, *, passed: Callable[[int], None] | None = None) -> tuple[str, int]:
    """Return (digest, size in bytes) of an object, by reading it once. `passed` is called with the size of each chunk.

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


def sum_line(name: str, digest: str) -> str:
    """Return the line of a file in SUMS, in the format of GNU sha256sum, which escapes backslashes."""
    escaped = name.replace("\\", "\\\\")
    return f"{'' if escaped == name else chr(92)}{digest.removeprefix('sha256:')}  {escaped}\n"


def read_sum(line: str) -> tuple[str, str]:
    """Parse a line of `sum_line`: (name, digest). Raises ValueError for another line."""
    is_escaped = line.startswith("\\")
    digest, separator, name = line.removeprefix("\\").rstrip("\n").partition("  ")
    if not separator or len(digest) != 2 * hashlib.sha256().digest_size:
        raise ValueError(f"not a line of {SUMS}: {line[:80]!r}")
    return name.replace("\\\\", "\\") if is_escaped else name, f"sha256:{digest}"
