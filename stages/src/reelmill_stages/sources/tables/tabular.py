"""The rows of CSV, TSV, JSON, JSON lines and Parquet files as mappings, with the columns that the file has."""

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
"""Key under which a row holds cells that no column has a name for: text that was cut at a bare comma."""


def format_of(uri: str) -> str:
    """The format that a file's extension says. Raises SpecError when it says none."""
    extension = uri.rpartition(".")[2].lower()
    if extension not in FORMATS:
        raise SpecError(
            "the extension does not tell the format", where=uri, hint="set format: csv, tsv, json, jsonl or parquet"
        )
    return FORMATS[extension]


def rows_of(data: bytes, where: str, format_: str, seen: KnownColumns, wanted: list[str]) -> Iterator[Any]:
    """The rows of a file; `seen` learns the columns. Of Parquet only the `wanted` columns are read.

    Raises SpecError naming file and line for what is not of this format.
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
    """(line number, cells) of a CSV file; empty lines are left out. Raises SpecError naming the line."""
    text = TextIOWrapper(BytesIO(data), encoding="utf-8-sig", newline="")
    reader = csv.reader(text, delimiter=separator, strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise SpecError(f"not CSV: {error}", where=f"{where}:{reader.line_num}", hint="mend the quotes") from error
    except UnicodeDecodeError as error:
        raise SpecError("not UTF-8", where=f"{where}:{reader.line_num + 1}", hint="save the file as UTF-8") from error


def _separated(data: bytes, where: str, separator: str, seen: KnownColumns) -> Iterator[dict[str, Any]]:
    lines = lines_of(data, where, separator)
    header = [name.strip() for name in next(lines, (0, []))[1]]
    if twice := next((name for name in header if name and header.count(name) > 1), ""):
        raise SpecError(f"column {twice!r} comes twice", where=f"{where}:1", hint="rename one of them")
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
            "Parquet needs the package pyarrow", where=where, hint="install reelmill-stages[parquet]"
        ) from error
    try:
        file = ParquetFile(BytesIO(data))
        names = file.schema_arrow.names
        seen.add(dict.fromkeys(names))
        for batch in file.iter_batches(batch_size=4096, columns=[name for name in names if name in wanted]):
            yield from batch.to_pylist()
    except (ArrowException, OSError) as error:
        raise SpecError(f"not Parquet: {error}", where=where, hint="is the upload complete?") from error
