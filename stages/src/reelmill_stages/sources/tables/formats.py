"""Reads the rows of CSV, TSV, JSON, JSON lines and Parquet files as mappings."""

import codecs
from collections.abc import Iterator, Mapping
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill_stages.sources.tables.column_lookup import BadLine, KnownColumns, refuse_twice, what_is_no_object
from reelmill_stages.sources.tables.json_stream import numbered_values
from reelmill_stages.sources.tables.parquet import parquet_rows
from reelmill_stages.sources.tables.separated import Quoting, TableRecord, records
from reelmill_stages.sources.tables.text_encoding import refuse_other_than_utf8

FORMATS = {
    "csv": "csv", "tsv": "tsv", "tab": "tsv", "json": "json", "jsonl": "jsonl", "ndjson": "jsonl",
    "parquet": "parquet", "pq": "parquet", "txt": "lines", "list": "lines",
}  # fmt: skip
"""File extension -> format."""

SURPLUS = "\0surplus"
"""Key of cells beyond the last column, which usually come from an unquoted comma."""
PLACE = "\0place"
"""Key of the place of a row in its file: `line 7`, or `row 7` in JSON arrays and Parquet."""


def format_of(uri: str) -> str:
    """Return the format for a file's extension. Raises SpecError for an unknown extension."""
    extension = uri.rpartition(".")[2].lower()
    if extension not in FORMATS:
        raise SpecError(
            "the format cannot be determined by the extension",
            where=uri,
            hint="set format: csv, tsv, json, jsonl, parquet or lines",
        )
    return FORMATS[extension]


def rows_of(
    data: bytes, where: str, format_: str, seen: KnownColumns, wanted: list[str], quoting: Quoting | None = None
) -> Iterator[Any]:
    """Yield the rows of a file; columns are added to `seen`. Only the `wanted` columns are read from Parquet and CSV.

    An invalid line, and a row of Parquet that cannot be read, is a `BadLine`. Raises SpecError with file and line for
    any other invalid content, and for a header that contains a column twice.
    """
    if format_ not in ("parquet", "jsonl"):
        refuse_other_than_utf8(data, where)
    if format_ in ("csv", "tsv"):
        rule = quoting or ("standard" if format_ == "csv" else "cell")
        yield from _separated(data, where, "," if format_ == "csv" else "\t", rule, seen, wanted)
    elif format_ == "lines":
        yield from _lines(data, wanted[0], seen)
    elif format_ == "parquet":
        for number, row in enumerate(parquet_rows(data, where, seen, wanted), 1):
            yield _with_place("row", number, row)
    else:
        for number, (line, row) in enumerate(numbered_values(data, where, lines=format_ == "jsonl"), 1):
            seen.add(row)
            yield _with_place("line", line, row) if line else _with_place("row", number, row)
        if not seen:  # of JSON lines, the first may be invalid for any reason
            refuse_other_than_utf8(data, where)


def _with_place(unit: str, number: int, row: Any) -> Any:
    if isinstance(row, Mapping):
        return {**row, PLACE: f"{unit} {number}"}
    return row if isinstance(row, BadLine) else BadLine(number, what_is_no_object(row), row, unit)


def lines_of(data: bytes, where: str, separator: str) -> Iterator[TableRecord]:
    """Yield the valid records of a CSV file. Raises SpecError if the first one is invalid."""
    for number, record in enumerate(records(data, separator, "standard")):
        if isinstance(record, TableRecord):
            yield record
        elif number == 0:
            raise _header_error(record, where)


def _lines(data: bytes, column: str, seen: KnownColumns) -> Iterator[Any]:
    """Yield one row with one column for each line that is neither empty nor begins with `#`."""
    seen.add({column: ""})
    for number, line in enumerate(data.removeprefix(codecs.BOM_UTF8).splitlines(), start=1):
        try:
            text = line.decode().strip()
        except UnicodeDecodeError:
            yield BadLine(number, "it is not UTF-8", line.decode(errors="backslashreplace"))
            continue
        if text and not text.startswith("#"):
            yield {column: text, PLACE: f"line {number}"}


def _separated(
    data: bytes, where: str, separator: str, quoting: Quoting, seen: KnownColumns, wanted: list[str]
) -> Iterator[Any]:
    lines = records(data, separator, quoting)
    first = next(lines, TableRecord(1, []))
    if isinstance(first, BadLine):
        raise _header_error(first, where)
    header = [name.strip() for name in first.cells]
    refuse_twice(header, f"{where}:{first.line}")
    seen.add(dict.fromkeys(header))
    columns = [(name, header.index(name)) for name in wanted if name in header]
    for record in lines:
        if isinstance(record, BadLine):
            yield record
            continue
        row: dict[str, Any] = {name: record.cells[at] for name, at in columns if at < len(record.cells)}
        row[PLACE] = f"line {record.line}"
        if len(record.cells) > len(header):
            row[SURPLUS] = record.cells[len(header) :]
        yield row


def _header_error(line: BadLine, where: str) -> SpecError:
    return SpecError(
        f"the header cannot be read: {line.what}", where=f"{where}:{line.line}", hint="save the file as UTF-8 text"
    )
