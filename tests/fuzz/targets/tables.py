"""Targets for metadata files: separated values, JSON, Parquet, and their cells."""

from contextlib import suppress

from reelmill.contract.errors import ItemError, SpecError
from reelmill_stages.sources.tables import cells
from reelmill_stages.sources.tables.column_lookup import BadLine, KnownColumns, as_row
from reelmill_stages.sources.tables.formats import rows_of
from reelmill_stages.sources.tables.info_csv import files_by_id
from reelmill_stages.sources.tables.json_stream import values
from reelmill_stages.sources.tables.separated import records

_CELLS = (
    cells.identifier, cells.caption, cells.conversations, cells.sizes, cells.path, cells.plain,
    lambda value: cells.seconds(value, "begin"), lambda value: cells.span(value, value),
)  # fmt: skip


def separated(data: bytes) -> None:
    """CSV and TSV by each rule of quoting. Every line that is not empty is in a record or is a bad line."""
    for separator, quoting in ((",", "standard"), ("\t", "cell"), (",", "none")):
        last = 0
        for record in records(data, separator, quoting):
            assert record.line > last
            last = record.line
            assert record.what if isinstance(record, BadLine) else record.cells
    for format_ in ("csv", "tsv"):
        _read(data, format_)


def json_values(data: bytes) -> None:
    """JSON arrays and JSON lines."""
    _read(data, "jsonl")


def parquet(data: bytes) -> None:
    """Parquet, of any column types."""
    _read(data, "parquet")


def info_csv(data: bytes) -> None:
    """CLIP4MC's list of downloaded files."""
    with suppress(SpecError):
        for id_, names in files_by_id(data, "info.csv").items():
            assert id_
            assert all(names)


def table_cells(data: bytes) -> None:
    """Cells of any JSON type."""
    with suppress(SpecError):
        for value in values(data, "cells.jsonl"):
            for checked in _CELLS:
                with suppress(ItemError):
                    checked(value)
            cells.shown(value)


def _read(data: bytes, format_: str) -> None:
    seen = KnownColumns()
    with suppress(SpecError):
        for row in rows_of(data, f"input.{format_}", format_, seen, ["a", "b", "path"]):
            with suppress(ItemError):
                for value in as_row(row).values():
                    cells.shown(value)
                    with suppress(ItemError):
                        cells.plain(value)
        seen.demand("input", "a")
