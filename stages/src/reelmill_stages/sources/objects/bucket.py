"""Access to the objects of a source with few requests.

A prefix is listed once and cached for the lifetime of the bucket (one listing), so looking up 300,000 file names takes
one LIST. URIs are absolute: `s3://bucket/key` or `/folder/file`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.task import Connection
from reelmill_stages.store import Stat, Store
from reelmill_stages.store.open import open_location, split_uri

PROBES = 16
"""Number of single look-ups in a folder after which the folder is listed."""


class SourceBucket:
    """Implements `Bucket` with stores. `open_root` returns the store of `s3://bucket` or `/`."""

    def __init__(self, open_root: Callable[[str], Store], progress: Callable[[], None] = lambda: None) -> None:
        """`progress` is called for every object and every answer."""
        self._open_root = open_root
        self._progress = progress
        self._stores: dict[str, Store] = {}
        self._listings: dict[str, dict[str, Stat]] = {}
        self._probes: Counter[str] = Counter()

    @classmethod
    def connected(
        cls, connection: Connection, env: Mapping[str, str], progress: Callable[[], None] = lambda: None
    ) -> "SourceBucket":
        """A bucket with the connection of a source."""
        return cls(lambda root: open_location(root, connection, env), progress)

    def read(self, uri: str) -> bytes:
        """Read a metadata file. Raises SpecError if it does not exist or is a folder."""
        root, key = split_uri(uri)
        if not key or key.endswith("/"):
            raise SpecError("a folder, not a file", where=uri, hint="give the path of the metadata file")
        try:
            return self._store(root).read(key)
        except NotFound as error:
            raise SpecError("no such file", where=uri, hint="check the path and the source's connection") from error

    def list(self, uri: str) -> Iterator[tuple[str, Stat]]:
        """(absolute URI, stat) of every object below a folder, sorted by URI, which is also the key in the stat.

        Raises NotFound for a missing local folder; a missing prefix in a bucket is empty.
        """
        root, key = _folder(uri)
        found = self._listed(root, key)
        if not found and root == "/" and not Path(root, key).is_dir():
            raise NotFound(
                "no such folder", where=_join(root, key), hint="check the path; in a pod, it must be mounted"
            )
        yield from found.items()

    def stream(self, uri: str) -> Iterator[tuple[str, Stat]]:
        """Like `list`, without caching; a missing folder is empty."""
        root, key = _folder(uri)
        for stat in self._objects(root, key):
            if not stat.key.endswith("/"):
                yield _join(root, stat.key), _named(_join(root, stat.key), stat)

    def stat(self, uri: str) -> Stat | None:
        """The attributes of an object, or None if it does not exist."""
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
            stats = (_named(_join(root, stat.key), stat) for stat in self._objects(root, key))
            found = {stat.key: stat for stat in stats if not stat.key.endswith("/")}
            self._listings[folder] = dict(sorted(found.items()))
        return self._listings[folder]

    def _objects(self, root: str, key: str) -> Iterator[Stat]:
        for stat in self._store(root).list(key):
            self._progress()
            yield stat

    def _store(self, root: str) -> Store:
        self._progress()
        if root not in self._stores:
            self._stores[root] = self._open_root(root)
        return self._stores[root]


def absolute(uri: str) -> str:
    """The normalized absolute form of a URI, as returned by `SourceBucket`."""
    return _join(*split_uri(uri))


def _folder(uri: str) -> tuple[str, str]:
    root, key = split_uri(uri)
    return root, f"{key.rstrip('/')}/" if key.strip("/") else ""


def _join(root: str, key: str) -> str:
    return f"{root.rstrip('/')}/{key}"


def _named(uri: str, stat: Stat) -> Stat:
    return Stat(uri, stat.size, stat.etag, stat.modified, stat.version)
