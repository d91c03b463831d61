"""Reads the rows of CSV, TSV, JSON, JSON lines and Parquet files as mappings."""

import csv
from collections.abc import Iterator
from io import BytesIO, TextIOWrapper
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill_stages.sources.tables.columns import KnownColumns
from reelmill_stages.sources.tables.json_stream import values

FORMATS = {
    "csv": "csv", "tsv": "tsv", "tab": "tsv", "json": "json", "jsonl": "jsonl", "ndjson": "jsonl",
    "parquet": "parquet", "pq": "parquet",
}  # fmt: skip
"""File extension -> format."""

SURPLUS = "\0surplus"
"""Key of cells beyond the last column, which usually come from an unquoted comma."""


def format_of(uri: str) -> str:
    """The format for a file's extension. Raises SpecError for an unknown extension."""
    extension = uri.rpartition(".")[2].lower()
    if extension not in FORMATS:
        raise SpecError(
            "the format cannot be determined by the extension",
            where=uri,
            hint="set format: csv, tsv, json, jsonl or parquet",
        )
    return FORMATS[extension]


def rows_of(data: bytes, where: str, format_: str, seen: KnownColumns, wanted: list[str]) -> Iterator[Any]:
    """The rows of a file; columns are added to `seen`. Of Parquet files, only the `wanted` columns are read.

    Raises SpecError with file and line for invalid content.
    """
    if format_ in ("csv", "tsv"):
        yield from _separated(data, where, "," if format_ == "csv" else "\t", seen)
    elif format_ == "parquet":
        yield from _parquet(data, where, seen, wanted)
    else:
        for row in values(data, where):
            seen.add(row)
            yield row


def lines_of(data: bytes, where: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of a CSV file without empty lines. Raises SpecError with the line."""
    text = TextIOWrapper(BytesIO(data), encoding="utf-8-sig", newline="")
    reader = csv.reader(text, delimiter=separator, strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise SpecError(f"not CSV: {error}", where=f"{where}:{reader.line_num}", hint="correct the quotes") from error
    except UnicodeDecodeError as error:
        raise SpecError("not UTF-8", where=f"{where}:{reader.line_num + 1}", hint="save the file as UTF-8") from error


def _separated(data: bytes, where: str, separator: str, seen: KnownColumns) -> Iterator[dict[str, Any]]:
    lines = lines_of(data, where, separator)
    header = [name.strip() for name in next(lines, (0, []))[1]]
    if twice := next((name for name in header if name and header.count(name) > 1), ""):
        raise SpecError(f"column {twice!r} appears twice", where=f"{where}:1", hint="rename one of them")
    seen.add(dict.fromkeys(header))
    for _, cells in lines:
        row: dict[str, Any] = dict(zip(header, cells, strict=False))
        yield row | ({SURPLUS: cells[len(header) :]} if len(cells) > len(header) else {})


def _parquet(data: bytes, where: str, seen: KnownColumns, wanted: list[str]) -> Iterator[dict[str, Any]]:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ModuleNotFoundError as error:
        raise SpecError(
            "Parquet requires the package pyarrow", where=where, hint="install reelmill-stages[parquet]"
        ) from error
    try:
        file = ParquetFile(BytesIO(data))
        names = file.schema_arrow.names
        seen.add(dict.fromkeys(names))
        for batch in file.iter_batches(batch_size=4096, columns=[name for name in names if name in wanted]):
            yield from batch.to_pylist()
    except (ArrowException, OSError) as error:
        raise SpecError(f"not Parquet: {error}", where=where, hint="is the upload complete?") from error
