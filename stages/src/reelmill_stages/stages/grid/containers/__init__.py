"""File formats with one array per image: hdf5, npz, pt and lmdb, with a common interface.

Names of arrays are those of images only; attributes about the origin are stored separately. Equal arrays in equal order
give equal bytes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from reelmill.contract.errors import SpecError
from reelmill_stages.untrusted.nested import load_json
from reelmill_stages.untrusted.separate_process import SECONDS, SeparateProcess

Array = np.ndarray[Any, np.dtype[Any]]
Attributes = Mapping[str, str | int]

Parts = Iterable[tuple[str, Path]]
"""Files to merge: (path relative to the folder of the target, local file)."""

SUFFIXES = {"hdf5": ".hdf5", "npz": ".npz", "pt": ".pt", "lmdb": ".lmdb"}
"""File suffixes; RSTNet's reader accepts only `.hdf5` for HDF5."""

_MODULES = {
    "hdf5": "reelmill_stages.stages.grid.containers.hdf5:Hdf5",
    "npz": "reelmill_stages.stages.grid.containers.npz:Npz",
    "pt": "reelmill_stages.stages.grid.containers.pt:Pt",
    "lmdb": "reelmill_stages.stages.grid.containers.lmdb_file:Lmdb",
}
_EXTRAS = {"hdf5": "grid", "npz": "grid", "pt": "embed", "lmdb": "grid"}


class ContainerWriter(Protocol):
    """A file that is being written."""

    def add(self, arrays: Iterable[tuple[str, Array]]) -> None:
        """Write (name, array) pairs, in this order. Raises ValueError for a name that exists."""
        ...

    def close(self, attributes: Attributes) -> None:
        """Finish the file."""
        ...

    def discard(self) -> None:
        """Close the unfinished file; does nothing after `close`."""
        ...


class ContainerReader(Protocol):
    """An open file; not to be shared between processes."""

    @property
    def attributes(self) -> dict[str, Any]: ...

    def names(self) -> Iterator[str]: ...

    def __contains__(self, name: str) -> bool: ...

    def array(self, name: str) -> Array:
        """Read one array without reading the others (except for pt files). Raises KeyError."""
        ...

    def close(self) -> None: ...


class Container(Protocol):
    """A file format."""

    def write(self, path: Path, compression: int) -> ContainerWriter: ...

    def read(self, path: Path | BinaryIO) -> ContainerReader:
        """Open a file; hdf5 and npz also accept a seekable file object.

        Raises OSError or ValueError for a file in another format.
        """
        ...

    def merge(self, parts: Parts, target: Path, attributes: Callable[[], Attributes], compression: int) -> int:
        """Copy the arrays of parts into one file; returns their number. `attributes` is called after the last part.

        Raises ValueError for a duplicate name.
        """
        ...


def container(kind: str) -> Container:
    """The implementation of a format. Raises SpecError if its package is not installed."""
    module, _, name = _MODULES[kind].partition(":")
    try:
        made: Container = getattr(import_module(module), name)()
    except ModuleNotFoundError as error:
        raise SpecError(
            f"the package {error.name!r} is not installed",
            where=f"container {kind}",
            hint=f"install reelmill-stages[{_EXTRAS[kind]}]",
        ) from error
    return made


def kind_of(path: Path) -> str:
    """The format for the suffix of a file. Raises SpecError for an unknown one."""
    for kind, suffix in SUFFIXES.items():
        if path.suffix == suffix:
            return kind
    raise SpecError("not a file of features", where=str(path), hint=f"suffixes are {', '.join(SUFFIXES.values())}")


def attributes_of(text: bytes) -> dict[str, Any]:
    """Parse the attributes that a file stores as JSON; none for empty text. Raises ValueError for any other text."""
    found = load_json(text or b"{}")
    if isinstance(found, dict):
        return found
    raise ValueError("its attributes are not an object")


def opened(path: Path) -> ContainerReader:
    """Open a file of features, by its suffix. Raises like `kind_of` and `Container.read`."""
    return container(kind_of(path)).read(path)


def read_all(path: Path) -> None:
    """Read everything in a file once. Raises like `opened`."""
    file = opened(path)
    try:
        dict(file.attributes)
        for name in file.names():
            file.array(name)
    except KeyError as error:
        raise ValueError(f"{error} is listed, but cannot be found") from error
    finally:
        file.close()


def trial(paths: Sequence[Path], seconds: float = SECONDS) -> SeparateProcess:
    """Return a process that reads everything in such files, because damaged ones crash most of the libraries."""
    modules = {
        _MODULES[kind].partition(":")[0] for kind, suffix in SUFFIXES.items() for path in paths if path.suffix == suffix
    }
    return SeparateProcess(f"{__name__}:read_all", imports=sorted(modules), seconds=seconds)
