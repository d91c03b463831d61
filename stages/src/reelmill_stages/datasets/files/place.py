"""A folder of samples, local or in a bucket, for readers in training processes.

Workers of a data loader are processes and must not share a connection, so each opens its own at the first read. A
`Place` can be pickled, and does not need torch.
"""

import hashlib
import os
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any

from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.records import layout
from reelmill.contract.records.frozen import Frozen, is_name
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.datasets.files.digests import file_digests, hint, view_digest
from reelmill_stages.datasets.files.frozen_views import FrozenViews
from reelmill_stages.records.latest_key import LatestKey
from reelmill_stages.records.record_files import load, parse
from reelmill_stages.store import Store
from reelmill_stages.store.damage import changed
from reelmill_stages.store.digests import object_digest
from reelmill_stages.store.open import open_location, open_store, split_uri


class SampleFolder:
    """Files below `uri`, a folder or `s3://bucket/prefix`. Credentials are read from the standard AWS variables.

    With `verify`, files are compared with their digests: those that are read as a whole at every read, the others when
    a process first uses them. Raises StoreDamaged, with the name of the file, if one differs from what was committed.
    """

    def __init__(self, uri: str, *, endpoint: str = "", region: str = "", verify: bool = False) -> None:
        self.uri = uri.rstrip("/") or "/"
        self.verify = verify
        self._connection = Connection(endpoint=endpoint, region=region)
        self._frozen: tuple[SampleFolder, FrozenViews] | None = None
        self._forget()

    def __getstate__(self) -> dict[str, object]:
        return {"uri": self.uri, "verify": self.verify, "_connection": self._connection, "_frozen": self._frozen}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    def _forget(self) -> None:
        self._process = os.getpid()
        self._opened: dict[str, Store] = {}
        self._known: dict[str, str] | None = None
        self._verified: set[str] = set()

    def at(self, name: str) -> str:
        """Return the address of a file, relative to the folder; absolute paths and addresses are returned unchanged."""
        return name if "://" in name or name.startswith("/") else f"{self.uri}/{name}"

    def read(self, name: str, *, start: int = 0, length: int | None = None) -> bytes:
        """Read a file, or `length` bytes from the offset `start`. Raises NotFound, TransientError and StoreError."""
        store, key = self.store(name)
        if start or length is not None:
            self.ensure(name)
            return store.read(key, start=start, length=length)
        data = store.read(key)
        if self.verify:
            self._compare(name, self._committed_digest(name), f"sha256:{hashlib.sha256(data).hexdigest()}")
        return data

    def view(self, name: str) -> bytes:
        """Read a view, a file about the whole data set. It is always compared with its digest if that is known."""
        if self._frozen:
            above, views = self._frozen
            key, wanted = views.find(name)
            data = above.read(key)
            above._compare(key, wanted, f"sha256:{hashlib.sha256(data).hexdigest()}")
            return data
        store, key = self.store(name)
        data = store.read(key)
        folder = key.removesuffix(f"/{name}")
        wanted = view_digest(store, folder, name)
        self._compare(name, wanted, f"sha256:{hashlib.sha256(data).hexdigest()}", is_view=True)
        return data

    def ensure(self, name: str) -> None:
        """With `verify`, compare a file with its digest, once in each process."""
        if not self.verify:
            return
        store, key = self.store(name)
        if key not in self._verified:
            self._compare(name, self._committed_digest(name), object_digest(store, key)[0])
            self._verified.add(key)

    def _committed_digest(self, name: str) -> str:
        store, key = self.store(name)
        if self._known is None:
            folder = split_uri(self.uri)[1].rstrip("/")
            self._known = file_digests(store, folder, self.uri, self._open_at)
        digest = self._known.get(normpath(key))
        if digest is None:
            raise SpecError(
                "no commit names this file, so it cannot be verified",
                where=self.at(name),
                hint="set verify=False to read it as it is",
            )
        return digest

    def _open_at(self, key: str) -> Store:
        root, _ = split_uri(self.uri)
        uri = f"{root.rstrip('/')}/{key.strip('/')}"
        return open_store(StoreRef(uri=uri, connection=self._connection))

    def _compare(self, name: str, wanted: str, found: str, *, is_view: bool = False) -> None:
        if wanted and found != wanted:
            store, _ = self.store(name)
            folder = split_uri(self.uri)[1].rstrip("/")
            raise changed(self.at(name), wanted, found, hint(store, folder, is_view=is_view))

    def read_listed(self, name: str, *, below_first: bool = False) -> bytes:
        """Read a file by its path in a list, which may have been written when the files were in another place.

        An absolute path is tried unchanged, then by its trailing parts below the folder, the longest first. With
        `below_first`, the unchanged path is tried last, as by the `lips` source. Raises NotFound with the path in the
        list.
        """
        outside = self._outside_parts(name)
        tails = [] if outside is None else ["/".join(outside[first:]) for first in range(len(outside))]
        for candidate in (*tails, name) if below_first else (name, *tails):
            try:
                return self.read(candidate)
            except NotFound:
                continue
        more = f", and no path below {self.uri} ends with it" if tails else ""
        raise NotFound(f"no file {self.at(name)}{more}", where=self.uri, hint="give the folder that contains the files")

    def _outside_parts(self, name: str) -> list[str] | None:
        """Return the parts of an absolute name outside the folder, or None for any other name."""
        here = self.uri if "://" in self.uri else str(Path(self.uri).absolute())
        if not ("://" in name or name.startswith("/")) or name.startswith(f"{here}/"):
            return None
        parts = [part for part in name.rpartition("://")[2].split("/") if part not in ("", ".")]
        return None if ".." in parts else parts

    def store(self, name: str) -> tuple[Store, str]:
        """Return (store of this process, key of the file in it)."""
        root, key = split_uri(self.at(name))
        if self._process != os.getpid():
            self._forget()
        if root not in self._opened:
            self._opened[root] = open_location(root, self._connection, os.environ)
        return self._opened[root], key

    def current(self, view: str) -> "SampleFolder":
        """Return the folder that contains the file `view`: this one or, for the folder of a stage, its latest data set.

        `…/stage@NAME` is the data set of a stage as it was when it was frozen under that name. Raises NotFound if none
        of them contains it.
        """
        try:
            self._stat(view)
        except NotFound:
            found = self._frozen_data_set() or self._latest_data_set(view)
            found._stat(view)
            return found
        return self

    def _latest_data_set(self, view: str) -> "SampleFolder":
        try:
            store, key = self.store("latest.json")
            latest = parse(store.read(key), self.at("latest.json"), LatestKey)
        except NotFound:
            raise NotFound(
                f"{view} not found", where=self.uri, hint="give an export, or the folder of a stage in the store"
            ) from None
        return self._beside(f"{self.uri}/{PurePosixPath(DataSetPaths('-', latest.key).root).name}")

    def _frozen_data_set(self) -> "SampleFolder | None":
        root, _, last = self.uri.rpartition("/")
        name, at, state = last.partition("@")
        if not (at and name and is_name(state)):
            return None
        above = SampleFolder(root or ".", endpoint=self._connection.endpoint, region=self._connection.region)
        store, key = above.store(layout.frozen(state))
        record = load(store, key, Frozen)
        if record is None:
            return None
        data_set = record.data_set(name, above.uri)
        found = self._beside(f"{above.uri}/{DataSetPaths(name, data_set.key).root}")
        found._frozen = above, FrozenViews(state, data_set)
        return found

    def _beside(self, uri: str) -> "SampleFolder":
        return SampleFolder(uri, endpoint=self._connection.endpoint, region=self._connection.region, verify=self.verify)

    def _stat(self, view: str) -> None:
        if self._frozen:
            self._frozen[1].find(view)
        else:
            store, key = self.store(view)
            store.stat(key)
