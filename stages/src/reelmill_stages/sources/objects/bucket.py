"""The objects that an adapter may look at, through one source's connection, with as few requests as possible.

A prefix is listed once and remembered for as long as the bucket lives (one listing run), so looking up 300,000 file
names costs one LIST. Uris are absolute: `s3://bucket/key` or `/folder/file`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.task import Connection
from reelmill_stages.store import Stat, Store
from reelmill_stages.store.open import open_location, split_uri

PROBES = 16
"""So many objects of one folder are looked up one by one; then the folder is listed."""


class SourceBucket:
    """Implements `Bucket` over stores. `open_root` gives the store of `s3://bucket` or `/`."""

    def __init__(self, open_root: Callable[[str], Store]) -> None:
        self._open_root = open_root
        self._stores: dict[str, Store] = {}
        self._listings: dict[str, dict[str, Stat]] = {}
        self._probes: Counter[str] = Counter()

    @classmethod
    def connected(cls, connection: Connection, env: Mapping[str, str]) -> "SourceBucket":
        """The bucket behind a source's connection."""
        return cls(lambda root: open_location(root, connection, env))

    def read(self, uri: str) -> bytes:
        """A metadata file. Raises SpecError naming the uri when it does not exist."""
        root, key = split_uri(uri)
        if not key or key.endswith("/"):
            raise SpecError("this is a folder, a file is needed", where=uri, hint="name the metadata file")
        try:
            return self._store(root).read(key)
        except NotFound as error:
            raise SpecError("no such file", where=uri, hint="check the path and the source's connection") from error

    def list(self, uri: str) -> Iterator[tuple[str, Stat]]:
        """(absolute uri, stat) of every object below a folder, sorted by uri; the stat's key is the uri too.

        Raises NotFound for a folder of this machine that does not exist; in a bucket that is an empty one.
        """
        root, key = _folder(uri)
        found = self._listed(root, key)
        if not found and root == "/" and not Path(root, key).is_dir():
            raise NotFound("no such folder", where=_join(root, key), hint="check the path: on a pod it must be mounted")
        yield from found.items()

    def stream(self, uri: str) -> Iterator[tuple[str, Stat]]:
        """As `list`, one by one and not remembered; a folder that does not exist is an empty one."""
        root, key = _folder(uri)
        for stat in self._store(root).list(key):
            if not stat.key.endswith("/"):
                yield _join(root, stat.key), _named(_join(root, stat.key), stat)

    def stat(self, uri: str) -> Stat | None:
        """One object, or None."""
        root, key = split_uri(uri)
        if not key or key.endswith("/"):
            return None
        full = _join(root, key)
        listing = next((found for folder, found in self._listings.items() if full.startswith(folder)), None)
        parent = full.rpartition("/")[0] + "/"
        if listing is None and self._probes[parent] >= PROBES:
            listing = self._listed(*_folder(parent))
        if listing is not None:
            return listing.get(full)
        self._probes[parent] += 1
        try:
            return _named(full, self._store(root).stat(key))
        except NotFound:
            return None

    def _listed(self, root: str, key: str) -> dict[str, Stat]:
        folder = _join(root, key)
        if folder not in self._listings:
            stats = (_named(_join(root, stat.key), stat) for stat in self._store(root).list(key))
            found = {stat.key: stat for stat in stats if not stat.key.endswith("/")}
            self._listings[folder] = dict(sorted(found.items()))
        return self._listings[folder]

    def _store(self, root: str) -> Store:
        if root not in self._stores:
            self._stores[root] = self._open_root(root)
        return self._stores[root]


def absolute(uri: str) -> str:
    """The one spelling of a uri that a bucket answers with."""
    return _join(*split_uri(uri))


def _folder(uri: str) -> tuple[str, str]:
    root, key = split_uri(uri)
    return root, f"{key.rstrip('/')}/" if key.strip("/") else ""


def _join(root: str, key: str) -> str:
    return f"{root.rstrip('/')}/{key}"


def _named(uri: str, stat: Stat) -> Stat:
    return Stat(uri, stat.size, stat.etag, stat.modified, stat.version)
