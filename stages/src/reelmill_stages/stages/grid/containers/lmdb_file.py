"""LMDB: one file with one record per image, an array in npy format; attributes are in the record `__attributes__`."""

import io
import json
import os
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import lmdb
import numpy as np

from reelmill_stages.stages.grid.containers import (
    Array,
    Attributes,
    ContainerReader,
    ContainerWriter,
    Parts,
    attributes_of,
)
from reelmill_stages.untrusted.arrays import read_array, refusing

ATTRIBUTES = b"__attributes__"
_ROOM = 16 << 20
"""Initial size of the memory map in bytes; doubled when it is full."""


class Lmdb:
    """Implements `Container`."""

    def write(self, path: Path, compression: int) -> ContainerWriter:
        return LmdbWriter(path)

    def read(self, path: Path | BinaryIO) -> ContainerReader:
        if not isinstance(path, Path):
            raise OSError("it can only be opened as a local file")
        return LmdbReader(path)

    def merge(self, parts: Parts, target: Path, attributes: Callable[[], Attributes], compression: int) -> int:
        count = 0
        merged = LmdbWriter(target)
        for _, path in parts:
            part = LmdbReader(path)
            for name in part.names():
                merged.add([(name, part.array(name))])
                count += 1
            part.close()
        merged.close(attributes())
        return count


class LmdbWriter:
    """Implements `Writer`. A batch of arrays is one transaction."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._room = _ROOM
        self._env = lmdb.open(str(path), subdir=False, map_size=self._room, lock=False, sync=False)

    def add(self, arrays: Iterable[tuple[str, Array]]) -> None:
        self._put([(name.encode(), _npy_bytes(array)) for name, array in arrays])

    def close(self, attributes: Attributes) -> None:
        self._put([(ATTRIBUTES, json.dumps(dict(attributes), sort_keys=True).encode())])
        self._env.sync(True)
        self._env.close()

    def discard(self) -> None:
        self._env.close()
        self._path.unlink(missing_ok=True)

    def _put(self, records: list[tuple[bytes, bytes]]) -> None:
        while True:
            try:
                with self._env.begin(write=True) as transaction:
                    for name, value in records:
                        if not transaction.put(name, value, overwrite=False):
                            raise ValueError(f"{name.decode()} exists already")
            except lmdb.MapFullError:
                self._room *= 2
                self._env.set_mapsize(self._room)
            else:
                return


class _Open:
    """A file opened for reading, shared by readers, because LMDB must open a file only once per process."""

    files: "weakref.WeakValueDictionary[str, _Open]" = weakref.WeakValueDictionary()

    def __init__(self, name: str) -> None:
        self.process = os.getpid()
        self.env = lmdb.open(name, subdir=False, readonly=True, lock=False, create=False)
        weakref.finalize(self, self.env.close)

    @classmethod
    def at(cls, path: Path) -> "_Open":
        name = str(path.resolve())
        found = cls.files.get(name)
        if found is not None and found.process != os.getpid():
            found.env.close()
            found = None
        if found is None:
            cls.files[name] = found = cls(name)
        return found


class LmdbReader:
    """Implements `Reader`."""

    def __init__(self, path: Path) -> None:
        with refusing():
            self._open: _Open | None = _Open.at(path)
        self._env = self._open.env

    @property
    def attributes(self) -> dict[str, Any]:
        found = self._get(ATTRIBUTES)
        return attributes_of(found or b"")

    def names(self) -> Iterator[str]:
        with refusing(), self._env.begin() as transaction:
            for name in transaction.cursor().iternext(keys=True, values=False):
                if name != ATTRIBUTES:
                    yield name.decode(errors="replace")

    def __contains__(self, name: str) -> bool:
        return self._get(name.encode()) is not None

    def array(self, name: str) -> Array:
        found = self._get(name.encode())
        if found is None:
            raise KeyError(name)
        return read_array(io.BytesIO(found), len(found))

    def close(self) -> None:
        self._open = None

    def _get(self, name: bytes) -> bytes | None:
        with refusing(), self._env.begin() as transaction:
            found: bytes | None = transaction.get(name)
            return found


def _npy_bytes(array: Array) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, np.ascontiguousarray(array), allow_pickle=False)
    return out.getvalue()
