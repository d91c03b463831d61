"""Grid features by image id for a training loop, as used by RSTNet.

A map-style dataset for `torch.utils.data.DataLoader`. Arrays are read from the file on demand; a missing image is an
error. Does not need torch.
"""

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.task import Connection
from reelmill_stages.datasets.files.digests import hint, view_digest
from reelmill_stages.media_file import WholeFileNeeded
from reelmill_stages.records.latest_key import LatestKey
from reelmill_stages.records.record_files import parse
from reelmill_stages.sources.images import image_id
from reelmill_stages.stages.grid.containers import SUFFIXES, ContainerReader, container, kind_of
from reelmill_stages.stages.grid.keys import GRIDS, LABELS, key, parsed
from reelmill_stages.store import Store
from reelmill_stages.store.damage import changed
from reelmill_stages.store.digests import object_digest
from reelmill_stages.store.open import open_location, split_uri
from reelmill_stages.store.ranges.ranged_media import RangedMedia, ranged

Array = np.ndarray[Any, np.dtype[np.float32]]
_KEY_DIGITS = 10
T = TypeVar("T")
_BY_RANGES = ("hdf5", "npz")
_BUFFER = 256 << 10
"""Minimum size of a request in bytes: arrays of one image are stored next to each other."""


class GridSample(NamedTuple):
    """The features of an image; a DataLoader adds a batch dimension in front."""

    image_id: int
    """Integer id of the image."""
    features: Array
    """float32 (rows, width): a row for each cell of the grid."""
    labels: Array
    """float32 (patches,): class number of each patch; (0,) if labels are not loaded."""


class GridFeatures:
    """The images of a merged file of features, in order of their ids.

    `features` is the merged file, or its folder: an exported folder, or the folder of a stage in a store
    (`s3://bucket/prefix/features`, which selects its latest data set). `labels` is the file with the labels, or True
    for the one in the same folder. With `max_detections`, features are padded with rows of zeros or cut to that number
    of rows, as in RSTNet's reader. `ids` are the ids of the images. `verify` reads each file once when a process opens
    it, and compares its digest. Raises NotFound if there is no such file, SpecError for a file in another format, and
    StoreDamaged for one that differs from what was written.
    """

    def __init__(
        self,
        features: str,
        labels: str | bool = "",
        *,
        max_detections: int | None = None,
        endpoint: str = "",
        region: str = "",
        verify: bool = False,
    ) -> None:
        connection = Connection(endpoint=endpoint, region=region)
        self._features = _Arrays(features, GRIDS, connection, verify=verify)
        self._labels = (
            _Arrays(features if labels is True else labels, LABELS, connection, verify=verify) if labels else None
        )
        self._max = max_detections
        self.ids = sorted(found[0] for name in self._features.names() if (found := parsed(name)))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> GridSample:
        return self.of(self.ids[index])

    def of(self, image: int | str) -> GridSample:
        """Return the features of an image by its id or COCO file name. Raises NotFound if they are not in the file."""
        number = image_id(image) if isinstance(image, str) else image
        features = fitted(self._features.array(key(number, GRIDS)).astype(np.float32), self._max)
        labels = self._labels.array(key(number, LABELS)) if self._labels else np.empty(0)
        return GridSample(number, features, labels.astype(np.float32))

    @property
    def attributes(self) -> dict[str, Any]:
        """The recorded origin of the file: model, weights, grid and others."""
        return self._features.attributes()


def fitted(features: Array, rows: int | None) -> Array:
    """Pad features with rows of zeros, or cut them, to a number of rows; None: leave them unchanged."""
    if rows is None:
        return features
    if len(features) < rows:
        return np.pad(features, ((0, rows - len(features)), (0, 0)))
    return features[:rows]


class _Arrays:
    """A file that each process opens separately at the first read, because handles cannot be forked or pickled."""

    def __init__(self, where: str, kind: str, connection: Connection, *, verify: bool) -> None:
        self._connection = connection
        self._verify = verify
        self._uri = self._file(where, kind)
        self._reader: ContainerReader | None = None
        self._remote: RangedMedia | None = None
        self._whole = False
        self._process = 0

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_reader": None, "_remote": None}

    def names(self) -> list[str]:
        return self._read(lambda reader: list(reader.names()))

    def attributes(self) -> dict[str, Any]:
        return self._read(lambda reader: reader.attributes)

    def array(self, name: str) -> np.ndarray[Any, Any]:
        try:
            return self._read(lambda reader: reader.array(name))
        except KeyError:
            raise NotFound(f"{name} not found", where=self._uri, hint="see reelmill ledger for the reason") from None

    def _read(self, call: Callable[[ContainerReader], T]) -> T:
        """Return the result of a call.

        An error of the store is raised unchanged, even if a parser catches it; the next call then reopens the file. If
        the server does not support ranges, the file is downloaded.
        """
        try:
            return call(self._open())
        except Exception:
            failure = self._remote.failure if self._remote is not None else None
            if failure is None:
                raise
            self._reader = None
            if not isinstance(failure, WholeFileNeeded):
                raise failure from None
            self._whole = True
        return call(self._open())

    def _open(self) -> ContainerReader:
        if self._reader is None or self._process != os.getpid():
            store, name = self._store_and_name(self._uri)
            if self._verify:
                self._compare(store, name)
            ranges = store.remote and not self._whole and kind_of(Path(name)) in _BY_RANGES
            self._remote = ranged(store, name, Path(tempfile.gettempdir())) if ranges else None
            self._process, self._reader = os.getpid(), _opened(store, name, self._remote)
        return self._reader

    def _compare(self, store: Store, key: str) -> None:
        folder, _, name = key.rpartition("/")
        wanted = view_digest(store, folder, name)
        if not wanted:
            raise SpecError(
                "the digest of this file is unknown",
                where=self._uri,
                hint="give an export of this release or the folder of a stage in its store, or set verify=False",
            )
        if (found := object_digest(store, key)[0]) != wanted:
            raise changed(self._uri, wanted, found, hint(store, folder, is_view=True))

    def _store_and_name(self, uri: str) -> tuple[Store, str]:
        root, name = split_uri(uri)
        return open_location(root, self._connection, os.environ), name

    def _file(self, where: str, kind: str) -> str:
        """Return the address of the file itself."""
        if where.endswith(tuple(SUFFIXES.values())):
            store, name = self._store_and_name(where)
            store.stat(name)
            return where
        store, folder = self._store_and_name(where)
        folder = folder.rstrip("/")
        inside = folder
        with suppress(NotFound):  # the folder of a stage, which may be a copy under another name
            latest = parse(store.read(f"{folder}/latest.json"), f"{where.rstrip('/')}/latest.json", LatestKey)
            inside = f"{folder}/{latest.key[:_KEY_DIGITS]}"
        for suffix in SUFFIXES.values():
            name = f"{inside}/{kind}{suffix}"
            try:
                store.stat(name)
            except NotFound:
                continue
            return where.rstrip("/") + name.removeprefix(folder)
        raise NotFound(
            f"{kind}.hdf5 (or .npz, .lmdb) not found",
            where=where,
            hint="give the stage's folder, its export, or the file itself; labels require a stage with labels",
        )


def _opened(store: Store, name: str, remote: RangedMedia | None) -> ContainerReader:
    """Open a file, by ranges or downloaded once per process."""
    read = container(kind_of(Path(name))).read
    try:
        if remote is not None:
            return read(remote.open(buffer=_BUFFER))
        if not store.remote:
            return read(store.fetch(name, Path(tempfile.gettempdir())))
        folder = tempfile.mkdtemp(prefix="reelmill-grids-")
        reader = read(store.fetch(name, Path(folder)))
        weakref.finalize(reader, shutil.rmtree, folder, ignore_errors=True)
    except (OSError, ValueError) as error:
        raise SpecError(f"not a file of features: {str(error).splitlines()[0]}", where=name) from error
    return reader
