"""Access to the objects of a source with few requests.

A prefix is listed once and cached for the lifetime of the bucket (one listing), so 300,000 lookups of file names take
one LIST. URIs are absolute: `s3://bucket/key`, `az://container/key`, `https://host/path` or `/folder/file`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from reelmill.contract.errors import NotFound, SpecError, StoreError
from reelmill.contract.records.layout import INTERNAL
from reelmill.contract.task import Connection, SourceDef, StoreRef
from reelmill_stages.sources.objects.own_store import OwnStore
from reelmill_stages.sources.objects.web_stats import WebStats
from reelmill_stages.store import Problem, Stat, Store
from reelmill_stages.store.open import connection_to, open_location, split_uri
from reelmill_stages.store.web.urls import is_web

_MARK = f"/{INTERNAL}/"

PROBES = 16
"""Number of single lookups in a folder after which the folder is listed."""


class SourceBucket:
    """Implements `Bucket` with stores. `open_root` returns the store of `s3://bucket`, `az://container` or `/`."""

    def __init__(
        self,
        open_root: Callable[[str], Store],
        *,
        endpoint: str = "",
        own_store: OwnStore | None = None,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        """`progress` is called for every object and every response."""
        self._open_root = open_root
        self._progress = progress
        self._endpoint = endpoint
        self._own_store = own_store
        self._unusable: dict[str, dict[str, Problem]] = {}
        self._in_own_store: Counter[str] = Counter()
        self._hidden: dict[str, int] = {}
        self._stores: dict[str, Store] = {}
        self._listings: dict[str, dict[str, Stat]] = {}
        self._probes: Counter[str] = Counter()
        self._unlisted: set[str] = set()
        self._web = WebStats(self._store)

    @classmethod
    def connected(
        cls, connection: Connection, env: Mapping[str, str], progress: Callable[[], None] = lambda: None
    ) -> "SourceBucket":
        """Return a bucket with the connection of a source."""
        return cls(lambda root: open_location(root, connection, env), progress=progress)

    @classmethod
    def of(
        cls, source: SourceDef, store: StoreRef, env: Mapping[str, str], progress: Callable[[], None] = lambda: None
    ) -> "SourceBucket":
        """Return the bucket of a pipeline's source. Its listings leave out objects of the pipeline's own store."""
        connection = source.connection or store.connection
        return cls(
            lambda root: open_location(root, connection_to(root, source.connection, store), env, source.web),
            endpoint=connection.endpoint,
            own_store=OwnStore(store),
            progress=progress,
        )

    @property
    def hidden(self) -> dict[str, int]:
        """Listed folder -> number of objects in it that were left out because they belong to reelmill."""
        return {folder: count for folder, count in (Counter(self._hidden) + self._in_own_store).items() if count}

    def read(self, uri: str) -> bytes:
        """Read a metadata file. Raises SpecError if it does not exist or is a folder."""
        root, key = split_uri(uri)
        if not key or key.endswith("/"):
            raise SpecError("a folder, not a file", where=uri, hint="give the path of the metadata file")
        try:
            return self._store(root).read(key)
        except NotFound as error:
            if not error.what.startswith("no such"):
                raise SpecError(error.what, where=uri, hint="give the path of a file") from error
            raise SpecError("no such file", where=uri, hint="check the path and the source's connection") from error

    def list(self, uri: str) -> Iterator[tuple[str, Stat]]:
        """Yield (absolute URI, stat) of every object below a folder, sorted by URI, which is also the key in the stat.

        Raises NotFound for a missing local folder; a missing prefix in a bucket is empty.
        """
        root, key = _folder(uri)
        found = self._listed(root, key)
        if not found and not self._unusable[_join(root, key)] and root == "/" and not Path(root, key).is_dir():
            raise NotFound(
                "no such folder",
                where=_join(root, key),
                hint="check the path; pods in a cluster do not have the folders of your machine",
            )
        yield from found.items()

    def stream(self, uri: str) -> Iterator[tuple[str, Stat]]:
        """Like `list`, without caching, and with entries that cannot be read; a missing folder is empty."""
        root, key = _folder(uri)
        for stat in self._objects(root, key):
            if not stat.key.endswith("/"):
                yield _join(root, stat.key), _with_uri(_join(root, stat.key), stat)

    def problems(self, uri: str) -> Iterator[tuple[str, Problem]]:
        """Yield (absolute URI, problem) of the entries below a folder that cannot be read as objects, sorted by URI."""
        root, key = _folder(uri)
        self._listed(root, key)
        yield from self._unusable[_join(root, key)].items()

    def hide(self, folder: str, objects: int) -> None:
        self._hidden[folder] = objects

    def stat(self, uri: str) -> Stat | None:
        """Return the attributes of an object, or None if it does not exist."""
        root, key = split_uri(uri)
        if not key or key.endswith("/"):
            return None
        full = _join(root, key)
        if is_web(root):
            return self._web.stat(full)
        listing = next((found for folder, found in self._listings.items() if full.startswith(folder)), None)
        parent = full.rpartition("/")[0] + "/"
        if listing is None and self._probes[parent] >= PROBES and parent not in self._unlisted:
            try:
                listing = self._listed(*_folder(parent))
            except StoreError:  # files may be readable in a folder that may not be listed
                self._unlisted.add(parent)
        if listing is not None:
            return listing.get(full)
        self._probes[parent] += 1
        try:
            return _with_uri(full, self._store(root).stat(key))
        except NotFound:
            return None

    def expect(self, uri: str) -> None:
        if is_web(uri):
            self._web.expect(absolute(uri))

    def _listed(self, root: str, key: str) -> dict[str, Stat]:
        folder = _join(root, key)
        if folder not in self._listings:
            if self._own_store:
                self._own_store.refuse(folder, self._endpoint)
            found: dict[str, Stat] = {}
            unusable: dict[str, Problem] = {}
            for stat in self._objects(root, key):
                uri = _join(root, stat.key)
                if self._own_store and self._own_store.holds(uri, folder, self._endpoint):
                    self._in_own_store[folder] += _MARK not in uri
                elif stat.problem:
                    unusable[uri] = stat.problem
                elif not stat.key.endswith("/"):
                    found[uri] = _with_uri(uri, stat)
            self._listings[folder] = dict(sorted(found.items()))
            self._unusable[folder] = dict(sorted(unusable.items()))
        return self._listings[folder]

    def _objects(self, root: str, key: str) -> Iterator[Stat]:
        for stat in self._store(root).list(key, problems=True):
            self._progress()
            yield stat

    def _store(self, root: str) -> Store:
        self._progress()
        if root not in self._stores:
            self._stores[root] = self._open_root(root)
        return self._stores[root]


def absolute(uri: str) -> str:
    """Return the normalized absolute form of a URI, as returned by `SourceBucket`."""
    return _join(*split_uri(uri))


def _folder(uri: str) -> tuple[str, str]:
    root, key = split_uri(uri)
    return root, f"{key.rstrip('/')}/" if key.strip("/") else ""


def _join(root: str, key: str) -> str:
    return f"{root.rstrip('/')}/{key}"


def _with_uri(uri: str, stat: Stat) -> Stat:
    return Stat(uri, stat.size, stat.etag, stat.modified, stat.version, problem=stat.problem)
