"""Atomic creation of local files from a stream."""

import re
import uuid
from collections.abc import Iterable
from pathlib import Path

from reelmill_stages.store.local.errors import mapped

_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,15}")


def suffix(key: str) -> str:
    """Return the file extension of a key; empty if it has none."""
    tail = Path(key).suffix
    return tail if _SUFFIX.fullmatch(tail) else ""


def save(chunks: Iterable[bytes], path: Path) -> Path:
    """Write chunks to `path`, creating its folder if missing. Raises DiskFull and the exceptions of `chunks`."""
    temp = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with mapped(path):
            path.parent.mkdir(exist_ok=True)
        with mapped(path), temp.open("wb", buffering=0) as file:
            for chunk in chunks:
                view = memoryview(chunk)
                while view:
                    view = view[file.write(view) :]
        with mapped(path):
            return temp.replace(path)
    finally:
        temp.unlink(missing_ok=True)
