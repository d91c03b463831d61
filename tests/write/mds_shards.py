"""Reads MDS shards by the description of the format, without the library: samples as bytes by column."""

import json
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path


def samples(folder: Path) -> Iterator[dict[str, bytes]]:
    """All samples of a folder, in the order of its index."""
    index = json.loads((folder / "index.json").read_text())
    assert index["version"] == 2
    for shard in index["shards"]:
        data = (folder / shard["raw_data"]["basename"]).read_bytes()
        assert len(data) == shard["raw_data"]["bytes"]
        (count,) = struct.unpack_from("<I", data)
        assert count == shard["samples"]
        offsets = struct.unpack_from(f"<{count + 1}I", data, 4)
        config = json.loads(data[4 + 4 * (count + 1) : offsets[0]])
        assert config == {name: shard[name] for name in config}
        assert offsets[-1] == len(data)
        for start, end in pairwise(offsets):
            yield _sample(data[start:end], config["column_names"], config["column_sizes"])


def _sample(data: bytes, names: list[str], fixed: list[int | None]) -> dict[str, bytes]:
    told = iter(struct.unpack_from(f"<{fixed.count(None)}I", data))
    place = 4 * fixed.count(None)
    found = {}
    for name, width in zip(names, fixed, strict=True):
        size = next(told) if width is None else width
        found[name] = data[place : place + size]
        place += size
    assert place == len(data)
    return found
