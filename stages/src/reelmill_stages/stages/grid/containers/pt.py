"""PyTorch's pt: a dict of tensors by name, for `torch.load`; attributes are in the comment of the archive."""

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from reelmill_stages.stages.grid.containers import (
    Array,
    Attributes,
    ContainerReader,
    ContainerWriter,
    Parts,
    attributes_of,
)
from reelmill_stages.untrusted.arrays import refusing


class Pt:
    """Implements `Container`."""

    def write(self, path: Path, compression: int) -> ContainerWriter:
        return PtWriter(path)

    def read(self, path: Path | BinaryIO) -> ContainerReader:
        if not isinstance(path, Path):
            raise OSError("it can only be opened as a local file")
        return PtReader(path)

    def merge(self, parts: Parts, target: Path, attributes: Callable[[], Attributes], compression: int) -> int:
        raise NotImplementedError("pt files cannot be merged")


class PtWriter:
    """Implements `Writer`. Arrays are kept in memory, because torch writes them all at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tensors: dict[str, torch.Tensor] = {}

    def add(self, arrays: Iterable[tuple[str, Array]]) -> None:
        for name, array in arrays:
            if name in self._tensors:
                raise ValueError(f"{name} exists already")
            self._tensors[name] = torch.from_numpy(np.ascontiguousarray(array))

    def close(self, attributes: Attributes) -> None:
        torch.save(self._tensors, self._path)
        with zipfile.ZipFile(self._path, "a") as archive:
            archive.comment = json.dumps(dict(attributes), sort_keys=True).encode()

    def discard(self) -> None:
        self._tensors.clear()


class PtReader:
    """Implements `Reader` with torch's `weights_only` loader."""

    def __init__(self, path: Path) -> None:
        with refusing():
            with zipfile.ZipFile(path) as archive:
                self._attributes = attributes_of(archive.comment)
            found = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(found, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in found.values()):
            raise ValueError("it contains no dict of tensors")
        self._tensors: dict[str, torch.Tensor] = found

    @property
    def attributes(self) -> dict[str, Any]:
        return dict(self._attributes)

    def names(self) -> Iterator[str]:
        return iter(self._tensors)

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def array(self, name: str) -> Array:
        found: Array = self._tensors[name].numpy()
        return found

    def close(self) -> None:
        self._tensors = {}
