"""The rows of a Parquet file.

A value that has no Python type affects its row, and a damaged row group affects its own rows, not the file. Checksums
of pages are verified if there are any.

Times in nanoseconds are truncated to microseconds, the resolution of Python and of the JSON written from it.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill_stages.sources.tables.column_lookup import BadLine, KnownColumns, refuse_twice

_BATCH = 4096
_MOST_LOST = 10_000_000
"""Maximum number of failed rows of a damaged row group, whose number of rows may be wrong."""


class Unreadable:
    """A cell that cannot be read; its `repr` contains its type."""

    def __init__(self, type_: str) -> None:
        self._type = type_

    def __repr__(self) -> str:
        return f"a value of type {self._type}"


def parquet_rows(data: bytes, where: str, seen: KnownColumns, wanted: list[str]) -> Iterator[dict[str, Any] | BadLine]:
    """Yield rows of the `wanted` columns; a row that cannot be read is a `BadLine`.

    Raises SpecError for a file in another format or with duplicate columns.
    """
    try:
        from pyarrow.parquet import ParquetFile
    except ModuleNotFoundError as error:
        raise SpecError(
            "Parquet needs the package pyarrow", where=where, hint="install reelmill-stages[parquet]"
        ) from error
    try:
        file = ParquetFile(BytesIO(data), page_checksum_verification=True)
        names = file.schema_arrow.names
        groups = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    except MemoryError:
        raise
    except Exception as error:  # damaged files raise more than pyarrow's own errors
        raise SpecError(f"not Parquet: {_in_one_line(error)}", where=where, hint="is the upload complete?") from error
    refuse_twice(names, where)
    seen.add(dict.fromkeys(names))
    read = [name for name in names if name in wanted]
    before = 0
    for number, size in enumerate(groups):
        yield from _rows_of_group(file, where, number, read, range(before + 1, before + size + 1))
        before += size


def _rows_of_group(file: Any, where: str, group: int, columns: list[str], numbers: range) -> Iterator[Any]:
    """Yield the rows of one row group; if it is damaged, a `BadLine` for each row from the damage on."""
    given = 0
    try:
        for batch in file.iter_batches(batch_size=_BATCH, row_groups=[group], columns=columns):
            values = {name: _values(batch.column(name)) for name in batch.schema.names}
            for row in range(batch.num_rows):
                yield {name: column[row] for name, column in values.items()}
            given += batch.num_rows
        if given != len(numbers):
            raise ValueError(f"it has {given} rows instead of {len(numbers)}")
    except MemoryError:
        raise
    except Exception as error:
        what = f"row group {group + 1} of the Parquet file is damaged: {_in_one_line(error)}"
        if len(numbers) > _MOST_LOST:
            raise SpecError(what, where=where, hint="is the upload complete?") from error
        yield from (BadLine(row, what, f"row {row} of a damaged row group", "row") for row in numbers[given:])


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _values(column: Any) -> list[Any]:
    column = _in_microseconds(column)
    try:
        found: list[Any] = column.to_pylist()
    except Exception:  # a time out of range, an unknown time zone, a duplicate name in a struct
        return [_value(cell) for cell in column]
    return found


def _value(cell: Any) -> Any:
    try:
        return cell.as_py()
    except Exception:
        return Unreadable(str(cell.type))


def _in_microseconds(column: Any) -> Any:
    import pyarrow as pa

    type_ = column.type
    if pa.types.is_timestamp(type_) and type_.unit == "ns":
        return column.cast(pa.timestamp("us", type_.tz), safe=False)
    if pa.types.is_time64(type_) and type_.unit == "ns":
        return column.cast(pa.time64("us"), safe=False)
    return column
