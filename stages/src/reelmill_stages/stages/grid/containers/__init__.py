"""Kinds of files that hold one array per image: hdf5, npz, pt and lmdb, behind one writer and one reader.

Names are array names only; what says where the arrays come from (attributes) lies where readers of arrays do not
trip over it. Equal arrays in equal order give equal bytes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from reelmill.contract.errors import SpecError

Array = np.ndarray[Any, np.dtype[Any]]
Attributes = Mapping[str, str | int]

Parts = Iterable[tuple[str, Path]]
"""Files to be merged: path relative to the target's folder, local file."""

SUFFIXES = {"hdf5": ".hdf5", "npz": ".npz", "pt": ".pt", "lmdb": ".lmdb"}
"""RSTNet's reader takes no other suffix than `.hdf5` for HDF5."""

_MODULES = {
    "hdf5": "reelmill_stages.stages.grid.containers.hdf5:Hdf5",
    "npz": "reelmill_stages.stages.grid.containers.npz:Npz",
    "pt": "reelmill_stages.stages.grid.containers.pt:Pt",
    "lmdb": "reelmill_stages.stages.grid.containers.lmdb_file:Lmdb",
}
_EXTRAS = {"hdf5": "grid", "npz": "grid", "pt": "embed", "lmdb": "grid"}


class ContainerWriter(Protocol):
    """A file in the making."""

    def add(self, arrays: Iterable[tuple[str, Array]]) -> None:
        """Write arrays under their names, in this order. Raises ValueError for a name that is there."""
        ...

    def close(self, attributes: Attributes) -> None:
        """Finish the file."""
        ...

    def discard(self) -> None:
        """Give the unfinished file up; nothing after `close`."""
        ...


class ContainerReader(Protocol):
    """An open file. Not shared between processes."""

    @property
    def attributes(self) -> dict[str, Any]: ...

    def names(self) -> Iterator[str]: ...

    def __contains__(self, name: str) -> bool: ...

    def array(self, name: str) -> Array:
        """One array, without reading the others (a pt file is read whole). Raises KeyError."""
        ...

    def close(self) -> None: ...


class Container(Protocol):
    """One kind of file."""

    def write(self, path: Path, compression: int) -> ContainerWriter: ...

    def read(self, path: Path | BinaryIO) -> ContainerReader:
        """hdf5 and npz also take an open file that can be sought in.

        Raises OSError or ValueError for a file that is none of this kind.
        """
        ...

    def merge(self, parts: Parts, target: Path, attributes: Callable[[], Attributes], compression: int) -> int:
        """Copy the arrays of parts into one file and give their number. `attributes` is asked after the last part.

        Raises ValueError for a name that comes twice.
        """
        ...


def container(kind: str) -> Container:
    """The container of a kind. Raises SpecError naming the extra that its package comes with."""
    module, _, name = _MODULES[kind].partition(":")
    try:
        made: Container = getattr(import_module(module), name)()
    except ModuleNotFoundError as error:
        raise SpecError(
            f"this installation lacks the package {error.name!r}",
            where=f"container {kind}",
            hint=f"install reelmill-stages[{_EXTRAS[kind]}]",
        ) from error
    return made


def kind_of(path: Path) -> str:
    """The kind that a file's suffix says. Raises SpecError for another one."""
    for kind, suffix in SUFFIXES.items():
        if path.suffix == suffix:
            return kind
    raise SpecError("no container of features", where=str(path), hint=f"it ends in {', '.join(SUFFIXES.values())}")


def opened(path: Path) -> ContainerReader:
    """A file of features, by its suffix."""
    return container(kind_of(path)).read(path)
