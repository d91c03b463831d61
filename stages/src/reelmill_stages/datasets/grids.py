"""Grid features by image id, for a training loop: RSTNet's arrays without its traps.

A map-style dataset: `torch.utils.data.DataLoader` shuffles it, shares it between workers and batches it. It opens the
file where it lies and reads the array that is asked for; an image that is not there is an error, never noise. It needs
no torch.
"""

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.task import Connection
from reelmill_stages.datasets.ranged import ranged
from reelmill_stages.records.data_set import LatestKey
from reelmill_stages.records.records import load
from reelmill_stages.sources.images import image_id
from reelmill_stages.stages.grid.containers import SUFFIXES, ContainerReader, container, kind_of
from reelmill_stages.stages.grid.keys import GRIDS, LABELS, key, parsed
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_location, split_uri

Array = np.ndarray[Any, np.dtype[np.float32]]
_KEY_DIGITS = 10


class GridSample(NamedTuple):
    """One image, or, from a DataLoader, a batch with one more dimension in front."""

    image_id: int
    features: Array
    """float32 (rows, width)."""
    labels: Array
    """float32, one class number per patch; of length 0 where no labels were asked for."""


class GridFeatures:
    """The images of one file of features, in the order of their ids.

    `features` is the merged file, or the folder it lies in: an export, or the stage's folder in a store
    (`s3://bucket/prefix/features`: its newest data set). `labels` is the file of labels, or True for the one beside it.
    With `max_detections` features are padded with rows of zeros, or cut, as RSTNet's reader does. Raises NotFound
    where there is no such file, SpecError for one of another kind.
    """

    def __init__(
        self,
        features: str,
        labels: str | bool = "",
        *,
        max_detections: int | None = None,
        endpoint: str = "",
        region: str = "",
    ) -> None:
        connection = Connection(endpoint=endpoint, region=region)
        self._features = _Arrays(features, GRIDS, connection)
        self._labels = _Arrays(features if labels is True else labels, LABELS, connection) if labels else None
        self._max = max_detections
        self.ids = sorted(found[0] for name in self._features.names() if (found := parsed(name)))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> GridSample:
        return self.of(self.ids[index])

    def of(self, image: int | str) -> GridSample:
        """By id, or by the name of a COCO image. Raises NotFound for one that the file does not have."""
        number = image_id(image) if isinstance(image, str) else image
        features = self._fitted(self._features.array(key(number, GRIDS)).astype(np.float32))
        labels = self._labels.array(key(number, LABELS)) if self._labels else np.empty(0)
        return GridSample(number, features, labels.astype(np.float32))

    def _fitted(self, features: Array) -> Array:
        if self._max is None:
            return features
        if len(features) < self._max:
            return np.pad(features, ((0, self._max - len(features)), (0, 0)))
        return features[: self._max]


class _Arrays:
    """A file that each process opens for itself, when it first reads: handles are neither forked nor pickled."""

    def __init__(self, where: str, kind: str, connection: Connection) -> None:
        self._connection = connection
        self._uri = self._file(where, kind)
        self._reader: ContainerReader | None = None
        self._process = 0

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_reader": None}

    def names(self) -> Iterator[str]:
        return self._open().names()

    def array(self, name: str) -> np.ndarray[Any, Any]:
        try:
            return self._open().array(name)
        except KeyError:
            raise NotFound(f"there is no {name}", where=self._uri, hint="reelmill ledger says why") from None

    def _open(self) -> ContainerReader:
        if self._reader is None or self._process != os.getpid():
            store, name = self._at(self._uri)
            self._process, self._reader = os.getpid(), _opened(store, name)
        return self._reader

    def _at(self, uri: str) -> tuple[Store, str]:
        root, name = split_uri(uri)
        return open_location(root, self._connection, os.environ), name

    def _file(self, where: str, kind: str) -> str:
        """Address of the file itself."""
        if where.endswith(tuple(SUFFIXES.values())):
            store, name = self._at(where)
            store.stat(name)
            return where
        store, folder = self._at(where)
        folder = folder.rstrip("/")
        latest = load(store, f"{folder}/latest.json", LatestKey)
        inside = f"{folder}/{latest.key[:_KEY_DIGITS]}" if latest else folder
        for suffix in SUFFIXES.values():
            name = f"{inside}/{kind}{suffix}"
            try:
                store.stat(name)
            except NotFound:
                continue
            return where.rstrip("/") + name.removeprefix(folder)
        raise NotFound(
            f"there is no {kind}.hdf5 (or .npz, .lmdb)",
            where=where,
            hint="name the stage's folder, its export, or the file itself; labels need a stage with labels",
        )


def _opened(store: Store, name: str) -> ContainerReader:
    """hdf5 and npz are read where they lie; lmdb and pt in a bucket are downloaded once per process."""
    kind = kind_of(Path(name))
    remote = store.uri.startswith("s3://")
    try:
        if remote and kind in ("hdf5", "npz"):
            return container(kind).read(ranged(store, name))
        if not remote:
            return container(kind).read(store.fetch(name, Path(tempfile.gettempdir())))
        folder = tempfile.mkdtemp(prefix="reelmill-grids-")
        reader = container(kind).read(store.fetch(name, Path(folder)))
        weakref.finalize(reader, shutil.rmtree, folder, ignore_errors=True)
    except (OSError, ValueError) as error:
        raise SpecError(f"no file of features: {error}", where=name) from error
    return reader
