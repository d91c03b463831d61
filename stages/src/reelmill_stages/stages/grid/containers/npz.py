"""NumPy's npz: one member per image; attributes are in the comment of the archive, which `numpy.load` ignores."""

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from reelmill_stages.stages.grid.containers import (
    Array,
    Attributes,
    ContainerReader,
    ContainerWriter,
    Parts,
    attributes_of,
)
from reelmill_stages.untrusted.arrays import ArrayArchive

_EPOCH = (1980, 1, 1, 0, 0, 0)


class Npz:
    """Implements `Container`."""

    def write(self, path: Path, compression: int) -> ContainerWriter:
        return NpzWriter(path, compression)

    def read(self, path: Path | BinaryIO) -> ContainerReader:
        return NpzReader(path)

    def merge(self, parts: Parts, target: Path, attributes: Callable[[], Attributes], compression: int) -> int:
        count = 0
        merged = NpzWriter(target, compression)
        for _, path in parts:
            part = NpzReader(path)
            for name in part.names():
                merged.add([(name, part.array(name))])
                count += 1
            part.close()
        merged.close(attributes())
        return count


class NpzWriter:
    """Implements `Writer`."""

    def __init__(self, path: Path, compression: int) -> None:
        self._path = path
        self._level = compression
        self._zip = zipfile.ZipFile(path, "w")
        self._names: set[str] = set()

    def add(self, arrays: Iterable[tuple[str, Array]]) -> None:
        for name, array in arrays:
            if name in self._names:
                raise ValueError(f"{name} exists already")
            self._names.add(name)
            member = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED if self._level else zipfile.ZIP_STORED
            member._compresslevel = self._level or None  # type: ignore[attr-defined]  # 3.13 gives it a public name
            with self._zip.open(member, "w") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)

    def close(self, attributes: Attributes) -> None:
        self._zip.comment = json.dumps(dict(attributes), sort_keys=True).encode()
        self._zip.close()

    def discard(self) -> None:
        self._zip.close()
        self._path.unlink(missing_ok=True)


class NpzReader:
    """Implements `Reader`."""

    def __init__(self, path: Path | BinaryIO) -> None:
        self._archive = ArrayArchive(path)

    @property
    def attributes(self) -> dict[str, Any]:
        return attributes_of(self._archive.comment)

    def names(self) -> Iterator[str]:
        return iter(self._archive.names)

    def __contains__(self, name: str) -> bool:
        return name in self._archive.names

    def array(self, name: str) -> Array:
        return self._archive.array(name)

    def close(self) -> None:
        self._archive.close()
