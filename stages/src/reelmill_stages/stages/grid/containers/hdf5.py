"""HDF5: one gzip-compressed data set per image, and attributes of the file. Merging copies compressed chunks.

No times are stored, so equal features give equal bytes. Chunks are compressed in threads, because the filter of the
library holds the GIL.
"""

import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from reelmill_stages.stages.grid.containers import Array, Attributes, ContainerReader, ContainerWriter, Parts
from reelmill_stages.untrusted.arrays import MAX_BYTES, ArrayError, refusing


class Hdf5:
    """Implements `Container`."""

    def write(self, path: Path, compression: int) -> ContainerWriter:
        return Hdf5Writer(path, compression)

    def read(self, path: Path | BinaryIO) -> ContainerReader:
        return Hdf5Reader(path)

    def merge(self, parts: Parts, target: Path, attributes: Callable[[], Attributes], compression: int) -> int:
        count = 0
        with h5py.File(target, "w") as merged:
            for _, path in parts:
                with h5py.File(path, "r") as part:
                    for name in Hdf5Reader.ordered(part):
                        part.copy(part[name], merged, name=name)
                        count += 1
            merged.attrs.update(attributes())
        return count

    def link(self, parts: Parts, target: Path, attributes: Callable[[], Attributes]) -> int:
        """Like `merge`, with external links to the parts instead of copies."""
        count = 0
        with h5py.File(target, "w") as merged:
            for relative, path in parts:
                with h5py.File(path, "r") as part:
                    for name in Hdf5Reader.ordered(part):
                        merged[name] = h5py.ExternalLink(relative, name)
                        count += 1
            merged.attrs.update(attributes())
        return count


class Hdf5Writer:
    """Implements `Writer`."""

    def __init__(self, path: Path, compression: int) -> None:
        self._path = path
        self._level = compression
        self._file = h5py.File(path, "w")
        self._pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1)) if compression else None

    def add(self, arrays: Iterable[tuple[str, Array]]) -> None:
        ready = [(name, np.ascontiguousarray(array)) for name, array in arrays]
        if self._pool is None:
            for name, array in ready:
                self._file.create_dataset(name, data=array, track_times=False)
            return
        packed = self._pool.map(lambda pair: zlib.compress(pair[1].tobytes(), self._level), ready)
        for (name, array), chunk in zip(ready, packed, strict=True):
            made = self._file.create_dataset(
                name,
                shape=array.shape,
                dtype=array.dtype,
                chunks=array.shape,
                compression="gzip",
                compression_opts=self._level,
                track_times=False,
            )
            made.id.write_direct_chunk((0,) * array.ndim, chunk)

    def close(self, attributes: Attributes) -> None:
        self._file.attrs.update(attributes)
        self._shut_down_pool()

    def discard(self) -> None:
        self._shut_down_pool()
        self._path.unlink(missing_ok=True)

    def _shut_down_pool(self) -> None:
        self._file.close()
        if self._pool:
            self._pool.shutdown()


class Hdf5Reader:
    """Implements `Reader`."""

    def __init__(self, path: Path | BinaryIO) -> None:
        with refusing():
            self.file = h5py.File(path, "r")

    @property
    def attributes(self) -> dict[str, Any]:
        with refusing():
            return {name: value.item() if hasattr(value, "item") else value for name, value in self.file.attrs.items()}

    def names(self) -> Iterator[str]:
        with refusing():
            return iter(list(self.file))

    def __contains__(self, name: str) -> bool:
        with refusing():
            return name in self.file

    def array(self, name: str) -> Array:
        if name not in self:
            raise KeyError(name)
        with refusing():
            stored = self.file[name]
            if not isinstance(stored, h5py.Dataset):
                raise ArrayError(f"{name} is not an array")
            if stored.nbytes > MAX_BYTES:
                raise ArrayError(f"{name} has {stored.nbytes} bytes; at most {MAX_BYTES} are read")
            found: Array = stored[()]
            return found

    def close(self) -> None:
        self.file.close()

    @staticmethod
    def ordered(file: h5py.File) -> list[str]:
        """Names sorted by image id."""
        return sorted(file, key=lambda name: (len(name), name))
