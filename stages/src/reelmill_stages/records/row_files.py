"""Reading and writing of JSON lines files, with few rows in memory at a time."""

import hashlib
import itertools
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from reelmill.contract.errors import NotFound
from reelmill.contract.records.segment import Object
from reelmill_stages.records.rows.canonical_row import canonical_row
from reelmill_stages.records.rows.line_readers import LineReader
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address, changed, gone, refuse_misplaced_key, unreadable
from reelmill_stages.store.digests import file_digest

R = TypeVar("R")

_BUFFER = 1 << 18


class RowFile:
    """A JSON lines file for writing, with its number of rows, size and digest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.size = 0
        self._digest = hashlib.sha256()
        self._file: IO[bytes] = path.open("wb")
        self._rows: list[bytes] = []
        self._full = _BUFFER

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row in canonical form. Raises ValueError or TypeError for values that JSON cannot represent."""
        self.append_line(canonical_row(row))

    def append_line(self, row: bytes) -> None:
        """Add a row that is already in canonical form."""
        self._rows.append(row)
        self.count += 1
        size = self.size = self.size + len(row) + 1
        if size >= self._full:
            self.flush()

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the rows so far."""
        self.flush()
        return f"sha256:{self._digest.hexdigest()}"

    def close(self) -> None:
        try:
            self.flush()
        finally:
            self._file.close()

    def flush(self) -> None:
        """Write the rows that are in memory. Raises OSError."""
        if self._rows:
            lines = b"\n".join([*self._rows, b""])
            self._file.write(lines)
            self._file.flush()
            self._digest.update(lines)
            self._rows.clear()
            self._full = self.size + _BUFFER

    def upload(self, store: Store, key: str) -> Object:
        """Close the file and create the object `key` from it. Raises PreconditionFailed if the key exists."""
        self.close()
        store.write(key, self.path, create=True)
        return Object(key=key, size=self.size, digest=self.digest)


def read_file(path: Path, where: str, read: LineReader[R], *, first: int = 0, count: int | None = None) -> Iterator[R]:
    """Rows of a local file: `count` (default: all) rows from row `first`. Raises as `parse_rows`."""
    with path.open("rb", buffering=_BUFFER) as file:
        yield from parse_rows(_lines(file, first, count), where, first + 1, read)


def parse_rows(lines: Iterable[bytes], where: str, number: int, read: LineReader[R]) -> Iterator[R]:
    """The rows in successive lines, of which the first is line `number` of the object at `where`, for messages.

    Raises StoreDamaged for a line that is not a valid row.
    """
    try:
        for row in map(read, lines):
            number += 1
            yield row
    except (ValueError, RecursionError) as error:
        raise unreadable(where, f"line {number} cannot be read as a row") from error


def parse_row(line: bytes, where: str, number: int, read: LineReader[R]) -> R:
    """The row in one line. Raises as `parse_rows`."""
    try:
        return read(line)
    except (ValueError, RecursionError) as error:
        raise unreadable(where, f"line {number} cannot be read as a row") from error


def read_rows(
    store: Store,
    key: str,
    digest: str,
    scratch: Path,
    read: LineReader[R],
    *,
    first: int = 0,
    count: int | None = None,
) -> Iterator[R]:
    """Rows of a committed file in the store: `count` (default: all) rows from row `first`.

    Raises as `read_lines` and `read_file`.
    """
    where = address(store, key)
    with rows_file(store, key, digest, scratch) as path:
        yield from read_file(path, where, read, first=first, count=count)


def read_lines(
    store: Store, key: str, digest: str, scratch: Path, *, first: int = 0, count: int | None = None
) -> Iterator[bytes]:
    """The lines of such a file, including line ends.

    The whole file is downloaded first, because a connection would time out with a slow caller. Its content is compared
    with `digest` (`sha256:<hex>`; empty if unknown) before the first line is returned. Raises StoreDamaged if it
    differs or is missing.
    """
    with rows_file(store, key, digest, scratch) as path, path.open("rb", buffering=_BUFFER) as file:
        yield from _lines(file, first, count)


def _lines(file: IO[bytes], first: int, count: int | None) -> Iterator[bytes]:
    return itertools.islice(file, first, None if count is None else first + count)


@contextmanager
def rows_file(store: Store, key: str, digest: str, scratch: Path) -> Iterator[Path]:
    """Context manager: a local copy of a committed file. Raises StoreDamaged as `read_rows`."""
    where = address(store, key)
    folder = scratch / f"rows-{secrets.token_hex(8)}"
    path = folder
    try:
        try:
            path = store.fetch(key, folder)
        except NotFound as error:
            raise gone(where) from error
        if not digest:
            refuse_misplaced_key(store, key)
        if digest and (found := file_digest(path)) != digest:
            raise changed(where, digest, found)
        yield path
    finally:
        if path.is_relative_to(folder):
            shutil.rmtree(folder, ignore_errors=True)
