"""Targets for files of features in formats that C libraries read: hdf5, lmdb and pt.

A separate process reads them first, as in `reelmill check`: a file that crashes or hangs it is rejected. Only files
that it has read are read here.
"""

from contextlib import suppress

from fuzz.targets.scratch import scratch
from reelmill.contract.errors import SpecError
from reelmill_stages.stages.grid.containers import container, kind_of, read_all, trial
from reelmill_stages.untrusted.separate_process import SeparateProcess

_trials: dict[str, SeparateProcess] = {}


def close() -> None:
    """End the processes that have read files."""
    while _trials:
        _trials.popitem()[1].__exit__(None, None, None)


def grid_hdf5(data: bytes) -> None:
    """HDF5 of features by image id."""
    _read(data, "features.hdf5")


def grid_lmdb(data: bytes) -> None:
    """LMDB of features by image id."""
    _read(data, "features.lmdb")


def grid_pt(data: bytes) -> None:
    """Tensors by image id; needs torch."""
    _read(data, "features.pt")


def _read(data: bytes, name: str) -> None:
    path = scratch.file(data, name)
    apart = _trials.setdefault(path.suffix, trial([path], seconds=1.0))
    with suppress(ValueError, OSError, SpecError):
        container(kind_of(path))  # imports the library
        apart.read(path)
        read_all(path)
