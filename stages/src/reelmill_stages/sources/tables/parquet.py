"""The rows of a Parquet file. A value that has no Python type affects its row, not the file.

Times in nanoseconds are truncated to microseconds, the resolution of Python and of the JSON written from it.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from reelmill.contract.errors import ReelmillError, SpecError
from reelmill_stages.sources.tables.column_lookup import KnownColumns, refuse_twice

_BATCH = 4096


class Unreadable:
    """A cell that cannot be read; its `repr` contains its type."""

    def __init__(self, type_: str) -> None:
        self._type = type_

    def __repr__(self) -> str:
        return f"a value of type {self._type}"


def parquet_rows(data: bytes, where: str, seen: KnownColumns, wanted: list[str]) -> Iterator[dict[str, Any]]:
    """Yield rows of the `wanted` columns. Raises SpecError for a file in another format or with duplicate columns."""
    try:
        from pyarrow.parquet import ParquetFile
    except ModuleNotFoundError as error:
        raise SpecError(
            "Parquet needs the package pyarrow", where=where, hint="install reelmill-stages[parquet]"
        ) from error
    try:
        file = ParquetFile(BytesIO(data))
        names = file.schema_arrow.names
        refuse_twice(names, where)
        seen.add(dict.fromkeys(names))
        read = [name for name in names if name in wanted]
        for batch in file.iter_batches(batch_size=_BATCH, columns=read):
            columns = {name: _values(batch.column(name)) for name in batch.schema.names}
            yield from ({name: column[row] for name, column in columns.items()} for row in range(batch.num_rows))
    except (ReelmillError, MemoryError):
        raise
    except Exception as error:  # damaged files raise more than pyarrow's own errors
        reason = " ".join(str(error).split())
        raise SpecError(f"not Parquet: {reason}", where=where, hint="is the upload complete?") from error


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
