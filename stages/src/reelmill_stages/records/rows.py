"""JSON lines between this machine and the store, one row in memory at a time."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any

from reelmill.contract.digest import canonical
from reelmill.contract.segment import Object
from reelmill_stages.store import Store


class RowFile:
    """A JSON lines file that is being written: its rows, size and digest are known without reading it again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.size = 0
        self._digest = hashlib.sha256()
        self._file: IO[bytes] = path.open("wb")

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row in canonical form. Raises ValueError or TypeError for what JSON cannot say."""
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
        """Close the file and write it under an unused key. Raises PreconditionFailed when the key is taken."""
        self.close()
        store.write(key, self.path, create=True)
        return Object(key=key, size=self.size, digest=f"sha256:{self._digest.hexdigest()}")


def read_file(path: Path, *, first: int = 0, count: int | None = None) -> Iterator[dict[str, Any]]:
    """Rows of a local file from row `first`."""
    with path.open("rb") as file:
        for line in islice(file, first, None if count is None else first + count):
            yield json.loads(line)


def read_rows(
    store: Store, key: str, scratch: Path, *, first: int = 0, count: int | None = None
) -> Iterator[dict[str, Any]]:
    """Rows of a file in the store.

    The file is fetched whole before the first row, because a reader may take its time and a connection has none.
    Raises NotFound.
    """
    folder = Path(tempfile.mkdtemp(prefix="rows-", dir=scratch))
    try:
        yield from read_file(store.fetch(key, folder), first=first, count=count)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
