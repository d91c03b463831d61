"""Reads and writes files of JSON lines, with few rows in memory at a time."""

import hashlib
import itertools
import json
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from reelmill.contract.errors import NotFound
from reelmill.contract.records.rows import Item
from reelmill.contract.records.segment import Object
from reelmill_stages.records.rows.canonical_row import canonical_row
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address, changed, gone, unreadable
from reelmill_stages.store.digests import file_digest

R = TypeVar("R")

_BUFFER = 1 << 18
_DECODER = msgspec.json.Decoder()
_ROWS = msgspec.json.Decoder(dict[str, Any])


class RowFile:
    """A JSON lines file for writing, with its number of rows, size and digest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.size = 0
        self._digest = hashlib.sha256()
        self._file: IO[bytes] = path.open("wb")
        self._rows: list[bytes] = []
        self._written = 0

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row in canonical form. Raises ValueError or TypeError for values that JSON cannot represent."""
        self.append_line(canonical_row(row))

    def append_line(self, row: bytes) -> None:
        """Add a row that is in canonical form already."""
        self._rows.append(row)
        self.count += 1
        self.size += len(row) + 1
        if self.size - self._written >= _BUFFER:
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
            self._written = self.size

    def upload(self, store: Store, key: str) -> Object:
        """Close the file and create the object `key` from it. Raises PreconditionFailed if the key exists."""
        self.close()
        store.write(key, self.path, create=True)
        return Object(key=key, size=self.size, digest=self.digest)


def read_file(
    path: Path, where: str, read: Callable[[dict[str, Any]], R], *, first: int = 0, count: int | None = None
) -> Iterator[R]:
    """Rows of a local file: `count` (default: all) rows from row `first`. Raises as `parse_rows`."""
    with path.open("rb", buffering=_BUFFER) as file:
        yield from parse_rows(_lines(file, first, count), where, first + 1, read)


def parse_rows(lines: Iterable[bytes], where: str, number: int, read: Callable[[dict[str, Any]], R]) -> Iterator[R]:
    """The rows in successive lines, of which the first is line `number` of the object at `where`, for messages.

    `read` makes a row of a JSON object, and raises ValueError for one that is none. Raises StoreDamaged for such a
    line, and for one that is no JSON object.
    """
    try:
        for row in map(read, map(_row, lines)):
            number += 1
            yield row
    except (ValueError, RecursionError) as error:
        raise unreadable(where, f"line {number} cannot be read as a row") from error


def parse_row(line: bytes, where: str, number: int, read: Callable[[dict[str, Any]], R]) -> R:
    """The row in one line. Raises as `parse_rows`."""
    try:
        return read(_row(line))
    except (ValueError, RecursionError) as error:
        raise unreadable(where, f"line {number} cannot be read as a row") from error


def decoded(line: bytes) -> Any:
    """The JSON value in a line. Raises ValueError, also for half of a surrogate pair, and RecursionError."""
    try:
        return _DECODER.decode(line)
    except ValueError:  # what only the standard library reads: numbers beyond JSON, and half a pair, which is told here
        value = json.loads(line.decode())
    json.dumps(value, ensure_ascii=False).encode()
    return value


def _row(line: bytes) -> dict[str, Any]:
    try:
        return _ROWS.decode(line)
    except ValueError as error:
        row = decoded(line)
        if type(row) is dict:
            return row
        raise ValueError("no JSON object") from error


def numbered_items(first: int) -> Callable[[dict[str, Any]], Item]:
    """Makes items of successive rows, the first of which has this ordinal. Raises ValueError for a row that is none."""
    ordinals, item = itertools.count(first), Item.from_json
    return lambda row: item(row, next(ordinals))


def read_rows(
    store: Store,
    key: str,
    digest: str,
    scratch: Path,
    read: Callable[[dict[str, Any]], R],
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
    """The lines of such a file, with their ends.

    The whole file is downloaded first, because a connection would time out if the caller is slow, and its content is
    compared with `digest` (`sha256:<hex>`; empty where none is known) before the first line is returned.
    Raises StoreDamaged if it differs or is gone.
    """
    with rows_file(store, key, digest, scratch) as path, path.open("rb", buffering=_BUFFER) as file:
        yield from _lines(file, first, count)


def _lines(file: IO[bytes], first: int, count: int | None) -> Iterator[bytes]:
    return itertools.islice(file, first, None if count is None else first + count)


@contextmanager
def rows_file(store: Store, key: str, digest: str, scratch: Path) -> Iterator[Path]:
    """A local copy of a committed file, while it is read. Raises StoreDamaged as `read_rows`."""
    where = address(store, key)
    folder = scratch / f"rows-{secrets.token_hex(8)}"
    path = folder
    try:
        try:
            path = store.fetch(key, folder)
        except NotFound as error:
            raise gone(where) from error
        if digest and (found := file_digest(path)) != digest:
            raise changed(where, digest, found)
        yield path
    finally:
        if path.is_relative_to(folder):
            shutil.rmtree(folder, ignore_errors=True)
