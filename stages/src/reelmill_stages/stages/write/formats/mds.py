"""MDS, the format of MosaicML streaming: shards with an offset for each sample, and one index.

A shard contains the number of samples and their offsets (uint32), a JSON text with the columns, and the samples. A
sample contains the sizes of the values whose encoding has no fixed size (uint32), then the values, in the order of the
columns' names (https://docs.mosaicml.com/projects/streaming/en/stable/preparing_datasets/dataset_format.html). The
library itself requires torch and the clients of five clouds, so it only verifies what is written here (tests/trainers).
"""

import json
import shutil
from array import array
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reelmill.contract.spec.stages.write import ColumnType, WriteBlock
from reelmill_stages.stage import DataSetReader, File
from reelmill_stages.stages.write.columns import columns_of
from reelmill_stages.stages.write.format import DataSetFormat, FormatPart, FormatSample
from reelmill_stages.stages.write.samples import VECTOR
from reelmill_stages.untrusted.arrays import map_array

INDEX = "index.json"
_HASH = "sha256"
_VERSION = 2
_ENCODINGS: Mapping[ColumnType, str] = {
    "string": "str",
    "integer": "int",
    "number": "float64",
    "boolean": "json",
    "vector": "ndarray:float32",
    "vectors": "ndarray:float32",
    "json": "json",
}
_FILES: Mapping[str, str] = {"video": "bytes", "image": "jpeg", VECTOR: "ndarray:float32"}
"""`jpeg` is decoded by Pillow, regardless of the format of the image."""
_SIZES: Mapping[str, int] = {"int": 8, "float64": 8}
_SHAPES = ((1 << 8, "uint8", 0), (1 << 16, "uint16", 1), (1 << 32, "uint32", 2))


class MdsFormat(DataSetFormat):
    """See `DataSetFormat`."""

    suffix = "mds"

    def __init__(self, block: WriteBlock) -> None:
        super().__init__(block)
        self._columns = columns_of(block)
        encodings = {column.name: _ENCODINGS[column.kind] for column in self._columns}
        encodings |= {name: _FILES[kind] for name, kind in block.media_columns.items()}
        self._encodings = dict(sorted(encodings.items()))
        self._limit = block.max_file_bytes

    def writer(self, path: Path) -> "MdsSamples":
        return MdsSamples(path, [column.name for column in self._columns], self._encodings, self._config())

    def views(self, data: DataSetReader) -> Iterator[File]:
        shards = []
        for item in data.items():
            if item.media is None:
                continue
            hashes = {_HASH: item.media.digest.removeprefix(f"{_HASH}:")}
            name = item.media.uri.removeprefix(f"{data.root}/")
            raw = {"basename": name, "bytes": item.media.size, "hashes": hashes}
            shards.append({"samples": item.fields["samples"], "raw_data": raw, "zip_data": None, **self._config()})
        if shards:
            path = data.scratch / INDEX
            path.write_text(json.dumps({"version": _VERSION, "shards": shards}, sort_keys=True), encoding="utf-8")
            yield File(INDEX, path)

    def _config(self) -> dict[str, Any]:
        return {
            "version": _VERSION,
            "format": "mds",
            "compression": None,
            "hashes": [_HASH],
            "size_limit": self._limit,
            "column_names": list(self._encodings),
            "column_encodings": list(self._encodings.values()),
            "column_sizes": [_SIZES.get(encoding) for encoding in self._encodings.values()],
        }


class MdsSamples:
    """Writes one shard. Samples are first written to a separate file, because their offsets precede them."""

    def __init__(self, path: Path, columns: list[str], encodings: Mapping[str, str], config: Mapping[str, Any]) -> None:
        self._path = path
        self._columns = columns
        self._encodings = encodings
        self._config = json.dumps(config, sort_keys=True).encode()
        self._body_path = path.with_suffix(".samples")
        self._body = self._body_path.open("wb")
        self._ends = array("Q")

    def add(self, sample: FormatSample) -> None:
        values = dict(zip(self._columns, sample.values, strict=True))
        cells = {name: _ENCODE[self._encodings[name]](value) for name, value in values.items()}
        for file in sample.files:
            vector = file.column == VECTOR
            cells[file.column] = encoded_array(map_array(file.path)) if vector else file.path.read_bytes()
        sizes = [len(cells[name]) for name, encoding in self._encodings.items() if encoding not in _SIZES]
        self._body.write(np.array(sizes, "<u4").tobytes())
        for name in self._encodings:
            self._body.write(cells[name])
        self._ends.append(self._body.tell())

    def finish(self) -> FormatPart:
        self._body.close()
        count = len(self._ends)
        first = 4 + 4 * (count + 1) + len(self._config)
        offsets = np.array([0, *self._ends], np.uint64) + np.uint64(first)
        with self._path.open("wb") as file, self._body_path.open("rb") as body:
            file.write(np.array([count], "<u4").tobytes() + offsets.astype("<u4").tobytes() + self._config)
            shutil.copyfileobj(body, file, 1 << 20)
        self._body_path.unlink()
        return FormatPart()

    def discard(self) -> None:
        self._body.close()


def encoded_array(values: np.ndarray[Any, Any]) -> bytes:
    """Encode an array (n, …) of at least one value as `ndarray:float32`: its shape, then its values in C order."""
    longest = max(values.shape)
    dtype, code = next((dtype, code) for limit, dtype, code in _SHAPES if longest < limit)
    head = bytes([values.ndim << 2 | code]) + np.array(values.shape, dtype).tobytes()
    return head + np.ascontiguousarray(values, "<f4").tobytes()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


_ENCODE: Mapping[str, Callable[[Any], bytes]] = {
    "str": lambda value: str(value).encode(),
    "int": lambda value: np.array(value, "<i8").tobytes(),
    "float64": lambda value: np.array(value, "<f8").tobytes(),
    "json": lambda value: _json(json.loads(value) if isinstance(value, str) else value),
    "ndarray:float32": lambda value: encoded_array(np.array(value, np.float32)),
}
