"""A Parquet file that is written row by row, and appears under its name when it is complete."""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reelmill.contract.errors import DiskFull, SpecError
from reelmill_stages.host.disk import is_disk_full

_BATCH = 2048
"""Number of rows kept in memory as objects."""
_GROUP = 8 * _BATCH
"""Number of rows of a row group, which are kept in memory as Arrow."""


class ParquetTable:
    """A table with this Arrow schema. A context manager: on exit without an exception, the file is put in place.

    An existing file is replaced. Raises SpecError if the file cannot be created.
    """

    def __init__(self, file: Path, schema: Any) -> None:
        self.rows = 0
        """Number of rows so far."""
        self._file = file.absolute()
        if not self._file.parent.is_dir():
            raise SpecError("there is no such folder", where=str(self._file.parent), hint="create it first")
        if self._file.is_dir():
            raise SpecError("this is a folder", where=str(file), hint="name a file in it")
        self._partial = self._file.with_name(f".{self._file.name[:100]}.{secrets.token_hex(4)}.partial")
        self._schema = schema
        self._arrow: Any = import_module("pyarrow")
        self._waiting: list[dict[str, Any]] = []
        self._batches: list[Any] = []
        with _file_errors(file):
            self._writer: Any = import_module("pyarrow.parquet").ParquetWriter(
                self._partial, schema, compression="zstd"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with _file_errors(self._file):
                if kind is None:
                    self._flush()
                self._writer.close()
                if kind is None:
                    self._partial.replace(self._file)
        finally:
            self._partial.unlink(missing_ok=True)

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Add rows; a column that a row does not have is null."""
        for row in rows:
            self._waiting.append(row)
            self.rows += 1
            if len(self._waiting) == _BATCH:
                self._pack()
            if len(self._batches) * _BATCH == _GROUP:
                self._flush()

    def _pack(self) -> None:
        if self._waiting:
            self._batches.append(self._arrow.RecordBatch.from_pylist(self._waiting, schema=self._schema))
            self._waiting = []

    def _flush(self) -> None:
        self._pack()
        if self._batches:
            table = self._arrow.Table.from_batches(self._batches, schema=self._schema)
            with _file_errors(self._file):
                self._writer.write_table(table, row_group_size=_GROUP)
            self._batches = []


@contextmanager
def _file_errors(file: Path) -> Iterator[None]:
    """Raise DiskFull or SpecError for an error of the file system."""
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise DiskFull(
                "the disk is full", where=str(file), hint="free space, then run the command again"
            ) from error
        raise SpecError(
            f"the file cannot be written: {error.strerror or error}", where=str(file), hint="name another one with --to"
        ) from error
