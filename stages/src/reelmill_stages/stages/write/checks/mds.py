"""The rules of MosaicML streaming for a folder of MDS shards: those of the index are complete, with its columns."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from reelmill.contract.text.quantities import count_of
from reelmill_stages.format_checks import Finding, unreadable
from reelmill_stages.untrusted.nested import load_json

_INDEX = "index.json"
_BAD = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""Exceptions raised when reading an invalid index or shard."""
_NOTED = ("version", "format", "column_names", "column_encodings", "column_sizes")


class MdsCheck:
    """See `Check`."""

    def detect(self, folder: Path) -> bool:
        try:
            return bool(_listed_shards(folder))
        except _BAD:
            return False

    def check(self, folder: Path) -> Iterator[Finding]:
        shards = _listed_shards(folder)
        for shard in shards:
            name = _INDEX
            try:
                name = str(shard["raw_data"]["basename"])
                wrong = _shard_problem(folder / name, shard)
            except _BAD as error:
                wrong = unreadable(error)
            yield Finding(name, "shard", not wrong, wrong or f"{shard['samples']} samples")
        columns = {json.dumps([shard.get(word) for word in _NOTED]) for shard in shards}
        yield Finding(
            _INDEX,
            "columns",
            len(columns) == 1,
            f"lists {count_of(len(shards), 'shard')}" if len(columns) == 1 else "the shards have different columns",
        )


def _listed_shards(folder: Path) -> list[dict[str, Any]]:
    index = load_json((folder / _INDEX).read_bytes())
    shards = index["shards"] if isinstance(index, dict) else []
    return [shard for shard in shards if isinstance(shard, dict) and shard.get("format") == "mds"]


def _shard_problem(path: Path, shard: dict[str, Any]) -> str:
    """Describe the error of a shard; empty for a valid one."""
    size = path.stat().st_size
    if size != shard["raw_data"]["bytes"]:
        return f"it has {size} bytes; the index says {shard['raw_data']['bytes']}"
    if size < 4:
        return "not a shard"
    with path.open("rb") as file:
        count = int(np.frombuffer(file.read(4), "<u4")[0])
        if count != shard["samples"] or 4 * (count + 2) > size:
            return f"it has {count_of(count, 'sample')}; the index says {shard['samples']}"
        offsets = np.frombuffer(file.read(4 * (count + 1)), "<u4").astype(np.int64)
        if offsets[-1] != size or (np.diff(offsets) < 0).any() or offsets[0] < file.tell():
            return "its offsets do not end at the end of the file"
        config = load_json(file.read(int(offsets[0]) - file.tell()))
    if any(config.get(word) != shard.get(word) for word in _NOTED):
        return "its columns differ from those of the index"
    return ""
