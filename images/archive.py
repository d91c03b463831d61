"""Layers of an image archive, and their size compressed for transfer and uncompressed on disk."""

import json
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

BLOCK = 1 << 20
GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Size:
    """Bytes of all layers."""

    compressed: int
    uncompressed: int

    def __str__(self) -> str:
        return f"{self.compressed / 1e6:.0f} MB compressed, {self.uncompressed / 1e6:.0f} MB on disk"


def size(archive: Path) -> Size:
    """The size of an OCI archive or a `docker save` archive, whose layers can be gzipped or plain."""
    with tarfile.open(archive) as tar:
        measured = [_layer(_open(tar, name)) for name in _layers(tar)]
    return Size(sum(one.compressed for one in measured), sum(one.uncompressed for one in measured))


def layers(archive: Path) -> Iterator[IO[bytes]]:
    """The layers of an archive, lowest first, as tars that can be gzipped."""
    with tarfile.open(archive) as tar:
        for name in _layers(tar):
            yield _open(tar, name)


def _layers(tar: tarfile.TarFile) -> list[str]:
    if "manifest.json" in tar.getnames():
        return list(_json(tar, "manifest.json")[0]["Layers"])
    found = _json(tar, "index.json")
    while "manifests" in found:
        found = _json(tar, _blob(found["manifests"][0]["digest"]))
    return [_blob(layer["digest"]) for layer in found["layers"]]


def _layer(file: IO[bytes]) -> Size:
    first = file.read(2)
    file.seek(0)
    packed = first == GZIP
    # The compression level that registry clients use; 31: with a gzip header.
    turn = zlib.decompressobj(31) if packed else zlib.compressobj(6, zlib.DEFLATED, 31)
    here = there = 0
    while block := file.read(BLOCK):
        here += len(block)
        there += len(turn.decompress(block) if packed else turn.compress(block))  # type: ignore[union-attr]
    there += len(turn.flush())
    return Size(here, there) if packed else Size(there, here)


def _blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _json(tar: tarfile.TarFile, name: str) -> Any:
    return json.load(_open(tar, name))


def _open(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    file = tar.extractfile(name)
    if file is None:
        raise ValueError(f"{tar.name}: {name} is not a file")
    return file
