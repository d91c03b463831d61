"""Parquet files for Hugging Face `datasets`, with the features Video and Image.

A file column is a struct of `bytes` and `path`, and the schema contains its feature, as written by datasets
(https://huggingface.co/docs/datasets/video_dataset). Files are neither compressed nor in a dictionary, so their bytes
are those of the source. Row groups are small, so that a reader that streams or skips has few of them in memory. A group
ends when its files and lists of numbers have `_GROUP_BYTES` together.
"""

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.stages.write import SHAPE, WriteBlock
from reelmill_stages.stage import DataSetReader, File
from reelmill_stages.stages.write.columns import ReadyColumn, columns_of
from reelmill_stages.stages.write.format import DataSetFormat, FormatPart, FormatSample
from reelmill_stages.stages.write.formats.arrow_types import ListColumns, arrow_type, shape_type
from reelmill_stages.stages.write.formats.huggingface_card import card
from reelmill_stages.stages.write.samples import VECTOR
from reelmill_stages.untrusted.arrays import map_array

_GROUP_BYTES = 32 << 20
_GROUP_ROWS = 1000
_FEATURES: Mapping[str, Any] = {
    "string": {"dtype": "string", "_type": "Value"},
    "integer": {"dtype": "int64", "_type": "Value"},
    "number": {"dtype": "float64", "_type": "Value"},
    "boolean": {"dtype": "bool", "_type": "Value"},
    "vector": {"feature": {"dtype": "float32", "_type": "Value"}, "_type": "List"},
    "vectors": {"feature": {"feature": {"dtype": "float32", "_type": "Value"}, "_type": "List"}, "_type": "List"},
    "json": {"dtype": "string", "_type": "Value"},
    "video": {"_type": "Video"},
    "image": {"_type": "Image"},
    SHAPE: {"feature": {"dtype": "int64", "_type": "Value"}, "_type": "List"},
}


class ParquetFormat(DataSetFormat):
    """See `DataSetFormat`."""

    suffix = "parquet"
    max_sample_bytes = (1 << 31) - (1 << 20)

    def __init__(self, block: WriteBlock) -> None:
        super().__init__(block)
        self._columns = columns_of(block)

    def check(self) -> None:
        if find_spec("pyarrow") is None:
            raise SpecError(
                "Parquet needs the package pyarrow", where="format", hint="install reelmill-stages[parquet]"
            )

    def writer(self, path: Path) -> "ParquetSamples":
        return ParquetSamples(path, self._columns, self.block)

    def views(self, data: DataSetReader) -> Iterator[File]:
        counts = {
            item.media.uri.removeprefix(f"{data.root}/"): item.fields["samples"]
            for item in data.items()
            if item.media is not None
        }
        if counts:
            path = data.scratch / "README.md"
            path.write_text(card(data.name, counts), encoding="utf-8")
            yield File(path.name, path)


class ParquetSamples:
    """Writes one file. A row group is in memory at a time."""

    def __init__(self, path: Path, columns: tuple[ReadyColumn, ...], block: WriteBlock) -> None:
        self._arrow: Any = import_module("pyarrow")
        self._schema = _schema(self._arrow, columns, block)
        plain = [name for name in self._schema.names if name not in block.media_columns]
        self._writer = import_module("pyarrow.parquet").ParquetWriter(
            path,
            self._schema,
            compression=dict.fromkeys(_stored_columns(self._schema), "zstd")
            | {f"{name}.bytes": "none" for name, kind in block.media_columns.items() if kind != VECTOR},
            use_dictionary=[name for name in plain if name != VECTOR],
            write_statistics=plain,
        )
        self._columns = [column.name for column in columns]
        self._lists = ListColumns(columns)
        self._rows: list[dict[str, Any]] = []
        self._held = 0

    def add(self, sample: FormatSample) -> None:
        values, size = self._lists.packed(sample.values)
        row: dict[str, Any] = dict(zip(self._columns, values, strict=True))
        self._held += size
        for file in sample.files:
            if file.column == VECTOR:
                array = map_array(file.path)
                row |= {VECTOR: array.reshape(-1), SHAPE: list(array.shape)}
            else:
                row[file.column] = {"bytes": file.path.read_bytes(), "path": file.name}
            self._held += file.path.stat().st_size
        self._rows.append(row)
        if self._held >= _GROUP_BYTES or len(self._rows) >= _GROUP_ROWS:
            self._flush()

    def finish(self) -> FormatPart:
        self._flush()
        self._writer.close()
        return FormatPart()

    def discard(self) -> None:
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            columns = [
                self._lists.column(field.name, [row[field.name] for row in self._rows], field.type)
                for field in self._schema
            ]
            self._writer.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))
        self._rows, self._held = [], 0


def _schema(arrow: Any, columns: tuple[ReadyColumn, ...], block: WriteBlock) -> Any:
    file = arrow.struct([arrow.field("bytes", arrow.binary()), arrow.field("path", arrow.string())])
    key, *others = [(column.name, arrow_type(column.kind), column.kind) for column in columns]
    files = []
    for name, media in block.media_columns.items():
        if media == VECTOR:
            files += [(name, arrow_type("vector"), media), (SHAPE, shape_type(), SHAPE)]
        else:
            files.append((name, file, media))
    all_columns = [key, *files, *others]
    features = {"info": {"features": {name: _FEATURES[kind] for name, _, kind in all_columns}}}
    fields = [arrow.field(name, kind) for name, kind, _ in all_columns]
    return arrow.schema(fields, metadata={"huggingface": json.dumps(features)})


def _stored_columns(schema: Any) -> Iterator[str]:
    """Yield the paths of the stored columns, in the notation of Parquet."""
    for field in schema:
        kind = str(field.type)
        if kind.startswith("struct"):
            yield from (f"{field.name}.{inner.name}" for inner in field.type)
        elif kind.startswith("list"):
            yield field.name + ".list.element" * kind.count("list<")
        else:
            yield field.name
