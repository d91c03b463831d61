"""Finds canary credentials in everything that a run left behind, also inside of compressed and columnar files."""

import gzip
import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def found(text: str, canaries: dict[str, str]) -> list[str]:
    """Names of the canaries that a text contains."""
    return [name for name, value in canaries.items() if value in text]


def traces(folder: Path, canaries: dict[str, str]) -> list[str]:
    """`path: canary` for every file below a folder that contains one, or whose name does."""
    return [
        f"{path.relative_to(folder)}: {name}"
        for path in sorted(folder.rglob("*"))
        for text in (str(path), *(_texts(path) if path.is_file() and not path.is_symlink() else ()))
        for name in found(text, canaries)
    ]


def _texts(path: Path) -> Iterator[str]:
    data = path.read_bytes()
    yield data.decode("utf-8", errors="replace")
    if data.startswith(b"\x1f\x8b"):
        yield gzip.decompress(data).decode(errors="replace")
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        yield pa.CompressedInputStream(pa.BufferReader(data), "zstd").read().decode(errors="replace")
    if data.startswith(b"PAR1"):
        yield str(pq.read_table(io.BytesIO(data)).to_pylist())
