"""A folder of samples that a training process reads: on this machine, or in a bucket.

A loader's workers are processes, forked or spawned, and no store may be shared between them: each opens its own, when
it first reads. So a `Place` is small, can be pickled, and knows nothing of torch.
"""

import os
from pathlib import PurePosixPath

from reelmill.contract.errors import NotFound
from reelmill.contract.layout import DataSetPaths
from reelmill.contract.task import Connection
from reelmill_stages.records.data_set import LatestKey
from reelmill_stages.records.records import parse
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_location, split_uri


class SampleFolder:
    """Files below `uri`: a folder, or `s3://bucket/prefix`. Credentials come from the usual AWS variables."""

    def __init__(self, uri: str, *, endpoint: str = "", region: str = "") -> None:
        self.uri = uri.rstrip("/") or "/"
        self._connection = Connection(endpoint=endpoint, region=region)
        self._opened: dict[str, Store] = {}
        self._process = 0

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_opened": {}}

    def at(self, name: str) -> str:
        """Address of a file by its name below here; absolute paths and addresses stay as they are."""
        return name if "://" in name or name.startswith("/") else f"{self.uri}/{name}"

    def read(self, name: str, *, start: int = 0, length: int | None = None) -> bytes:
        """A file's bytes, or a part of them. Raises NotFound, TransientError and StoreError."""
        store, key = self.store(name)
        return store.read(key, start=start, length=length)

    def store(self, name: str) -> tuple[Store, str]:
        """This process's own store that a file lies in, and the file's key there."""
        root, key = split_uri(self.at(name))
        if self._process != os.getpid():
            self._process, self._opened = os.getpid(), {}
        if root not in self._opened:
            self._opened[root] = open_location(root, self._connection, os.environ)
        return self._opened[root], key

    def current(self, view: str) -> "SampleFolder":
        """The folder that holds a file called `view`: here, or the newest data set of the stage whose folder this is.

        Raises NotFound where neither has one.
        """
        try:
            self.read(view)
        except NotFound:
            try:
                latest = parse(self.read("latest.json"), self.at("latest.json"), LatestKey)
            except NotFound:
                raise NotFound(
                    f"there is no {view}", where=self.uri, hint="name an export, or a stage's folder in the store"
                ) from None
            folder = PurePosixPath(DataSetPaths("-", latest.key).root).name
            found = SampleFolder(
                f"{self.uri}/{folder}", endpoint=self._connection.endpoint, region=self._connection.region
            )
            found.read(view)
            return found
        return self
