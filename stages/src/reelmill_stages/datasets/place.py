"""A folder of samples, local or in a bucket, for readers in training processes.

Workers of a data loader are processes and must not share a connection, so each opens its own at the first read. A
`Place` can be pickled, and does not need torch.
"""

import os
from pathlib import PurePosixPath

from reelmill.contract.errors import NotFound
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.task import Connection
from reelmill_stages.records.latest_key import LatestKey
from reelmill_stages.records.record_files import parse
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_location, split_uri


class SampleFolder:
    """Files below `uri`, a folder or `s3://bucket/prefix`. Credentials are read from the standard AWS variables."""

    def __init__(self, uri: str, *, endpoint: str = "", region: str = "") -> None:
        self.uri = uri.rstrip("/") or "/"
        self._connection = Connection(endpoint=endpoint, region=region)
        self._opened: dict[str, Store] = {}
        self._process = 0

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_opened": {}}

    def at(self, name: str) -> str:
        """Address of a file, relative to the folder; absolute paths and addresses are returned unchanged."""
        return name if "://" in name or name.startswith("/") else f"{self.uri}/{name}"

    def read(self, name: str, *, start: int = 0, length: int | None = None) -> bytes:
        """Read a file, or `length` bytes from the offset `start`. Raises NotFound, TransientError and StoreError."""
        store, key = self.store(name)
        return store.read(key, start=start, length=length)

    def store(self, name: str) -> tuple[Store, str]:
        """(store of this process, key of the file in it)."""
        root, key = split_uri(self.at(name))
        if self._process != os.getpid():
            self._process, self._opened = os.getpid(), {}
        if root not in self._opened:
            self._opened[root] = open_location(root, self._connection, os.environ)
        return self._opened[root], key

    def current(self, view: str) -> "SampleFolder":
        """The folder that contains the file `view`: this one, or, for the folder of a stage, its latest data set.

        Raises NotFound if neither contains it.
        """
        try:
            self.read(view)
        except NotFound:
            try:
                latest = parse(self.read("latest.json"), self.at("latest.json"), LatestKey)
            except NotFound:
                raise NotFound(
                    f"{view} not found", where=self.uri, hint="give an export, or the folder of a stage in the store"
                ) from None
            folder = PurePosixPath(DataSetPaths("-", latest.key).root).name
            found = SampleFolder(
                f"{self.uri}/{folder}", endpoint=self._connection.endpoint, region=self._connection.region
            )
            found.read(view)
            return found
        return self
