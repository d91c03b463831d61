"""The tables next to a card, as Parquet: `items.parquet` with a row per item, `files.parquet` with a row per file.

Parquet has types, so readers do not parse a key such as `0001` as a number, as readers of JSON lines do.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from reelmill.contract.commands.tuning import ValueCount, Values
from reelmill.contract.errors import SpecError
from reelmill.contract.records.rows import Item
from reelmill_stages.dataset_card.columns import TableColumn, plain
from reelmill_stages.records.rows.item_values import ABSENT, value_of

ITEMS, FILES = "items.parquet", "files.parquet"
_ROWS = 10_000
_MOST_LICENCES = 1000
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class ItemFile:
    """A file of an item: its path in the folder, its size in bytes, and its SHA-256 in hexadecimal digits."""

    path: str
    size: int
    sha256: str


@dataclass(slots=True)
class LicenceCounts:
    """The number of items for each value of the licence field."""

    name: str
    upstreams: tuple[str, ...] = ()
    """Sources or stages whose items were counted; empty: the items of the stage itself."""
    counts: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    """Number of items without it."""

    def add(self, item: Item) -> None:
        """Count one more item."""
        value = value_of(self.name)(item)
        if value is ABSENT:
            self.missing += 1
        elif (text := plain(str(value))) in self.counts or len(self.counts) <= _MOST_LICENCES:
            self.counts[text] += 1

    @property
    def values(self) -> Values | None:
        """The values, the most frequent first; None if no item has the field."""
        if not self.counts:
            return None
        ordered = sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return Values(
            field=self.name,
            items=self.counts.total(),
            distinct=len(self.counts) if len(self.counts) <= _MOST_LICENCES else None,
            values=[ValueCount(value=value, items=items) for value, items in ordered[:_SHOWN]],
        )


def write_items(path: Path, items: Iterable[Item], columns: Sequence[TableColumn]) -> int:
    """Write `items.parquet`; returns the number of rows."""
    arrow, parquet = pyarrow()
    types = {
        "boolean": arrow.bool_(), "integer": arrow.int64(), "number": arrow.float64(),
        "string": arrow.string(), "json": arrow.string(),
    }  # fmt: skip
    schema = arrow.schema([arrow.field(column.name, types[column.kind]) for column in columns])
    count = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _batches(items):
            made = {column.name: [column.value(item) for item in batch] for column in columns}
            writer.write_table(arrow.table(made, schema=schema))
            count += len(batch)
    return count


def write_files(path: Path, items: Iterable[Item], files: Callable[[Item], Iterable[ItemFile]]) -> None:
    """Write `files.parquet`."""
    arrow, parquet = pyarrow()
    schema = arrow.schema(
        [("path", arrow.string()), ("item", arrow.string()), ("size", arrow.int64()), ("sha256", arrow.string())]
    )
    rows = ((file, item.key) for item in items for file in files(item))
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _batches(rows):
            made: dict[str, list[Any]] = {
                "path": [plain(file.path) for file, _ in batch],
                "item": [plain(key) for _, key in batch],
                "size": [file.size for file, _ in batch],
                "sha256": [file.sha256 or None for file, _ in batch],
            }
            writer.write_table(arrow.table(made, schema=schema))


def pyarrow() -> tuple[Any, Any]:
    """The modules of pyarrow. Raises SpecError without it."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise SpecError("a dataset card needs the package pyarrow", hint="install reelmill-stages[parquet]") from error
    return arrow, parquet


def _batches(values: Iterable[Any]) -> Iterator[list[Any]]:
    left = iter(values)
    while batch := list(islice(left, _ROWS)):
        yield batch
