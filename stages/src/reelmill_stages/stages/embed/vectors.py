"""Files with one vector per clip, for tools that search or compare: Parquet, or an array with a list of keys.

Each has the clips of a fixed range of inputs, so the files do not depend on the division into shards.
"""

import json
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.stages.embed import LIP, EmbedBlock
from reelmill_stages.stage import Assembled, File, Input, Shard
from reelmill_stages.stages.embed.family import Array


def check_vectors(block: EmbedBlock) -> None:
    """Raise SpecError if the format of the block's vectors needs a package that is not installed."""
    if block.vectors == "parquet" and find_spec("pyarrow") is None:
        raise SpecError(
            "Parquet needs the package pyarrow", where="vectors", hint="install reelmill-stages[parquet], or use npy"
        )


def pooled(features: Array, *, time: int) -> Array:
    """The mean over the axis `time`: features (frames, width) or (width, frames) as float32 (width,)."""
    found: Array = features.mean(axis=time, dtype=np.float64).astype(np.float32)
    return found


class VectorFiles:
    """Collects the vectors of a shard; those of one file are in memory. Nothing is written without `vectors`."""

    def __init__(self, block: EmbedBlock, shard: Shard) -> None:
        self._form = block.vectors
        self._size = block.vectors_per_file
        self._time = 1 if block.model == LIP else 0
        self._shard = shard
        self._part = 0
        self._last = 0
        self._vectors: dict[str, Array] = {}

    def add(self, given: Input, features: Array) -> Iterator[Assembled]:
        """Add the features of the next clip. Yields the files of a range that is complete."""
        if self._form == "none":
            return
        part = (given.number - self._shard.first_number) // self._size
        if part != self._part:
            yield from self.finish()
        self._part, self._last = part, given.number
        self._vectors[given.item.key] = pooled(features, time=self._time)

    def finish(self) -> Iterator[Assembled]:
        """Yields the files of the last range, unless it has no clip."""
        if not self._vectors:
            return
        keys, vectors = list(self._vectors), np.stack(list(self._vectors.values()))
        self._vectors = {}
        stem = f"vectors-{self._shard.first_number + self._part * self._size:09d}"
        for path in self._write_npy(stem, keys, vectors):
            yield Assembled(File(path.name, path), through=self._last)

    def _write_npy(self, stem: str, keys: list[str], vectors: Array) -> list[Path]:
        path = self._shard.scratch / f"{stem}.{self._form}"
        if self._form == "parquet":
            _write_parquet(path, keys, vectors)
            return [path]
        np.save(path, vectors)
        named = path.with_name(f"{stem}.keys.jsonl")
        named.write_text("".join(f"{json.dumps(key)}\n" for key in keys))
        return [path, named]


def _write_parquet(path: Path, keys: list[str], vectors: Array) -> None:
    arrow: Any = import_module("pyarrow")
    column = arrow.FixedSizeListArray.from_arrays(arrow.array(vectors.reshape(-1)), vectors.shape[1])
    table = arrow.table({"key": arrow.array(keys, arrow.string()), "vector": column})
    import_module("pyarrow.parquet").write_table(table, path, compression="zstd")
