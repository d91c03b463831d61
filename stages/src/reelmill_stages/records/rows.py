"""Reads and writes files of JSON lines, with one row in memory at a time."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any

from reelmill.contract.digest import canonical
from reelmill.contract.records.segment import Object
from reelmill_stages.store import Store


class RowFile:
    """A JSON lines file for writing, with its number of rows, size and digest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.size = 0
        self._digest = hashlib.sha256()
        self._file: IO[bytes] = path.open("wb")

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row in canonical form. Raises ValueError or TypeError for values that JSON cannot represent."""
        line = canonical(row) + b"\n"
        self._file.write(line)
        self._digest.update(line)
        self.count += 1
        self.size += len(line)

    def close(self) -> None:
        self._file.close()

    def flush(self) -> None:
        self._file.flush()

    def upload(self, store: Store, key: str) -> Object:
        """Close the file and create the object `key` from it. Raises PreconditionFailed if the key exists."""
        self.close()
        store.write(key, self.path, create=True)
        return Object(key=key, size=self.size, digest=f"sha256:{self._digest.hexdigest()}")


def read_file(path: Path, *, first: int = 0, count: int | None = None) -> Iterator[dict[str, Any]]:
    """Rows of a local file: `count` (default: all) rows from row `first`."""
    with path.open("rb") as file:
        for line in islice(file, first, None if count is None else first + count):
            yield json.loads(line)


def read_rows(
    store: Store, key: str, scratch: Path, *, first: int = 0, count: int | None = None
) -> Iterator[dict[str, Any]]:
    """Rows of a file in the store: `count` (default: all) rows from row `first`.

    The whole file is downloaded first, because a connection would time out if the caller is slow. Raises NotFound.
    """
    folder = Path(tempfile.mkdtemp(prefix="rows-", dir=scratch))
    try:
        yield from read_file(store.fetch(key, folder), first=first, count=count)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
