"""Resolves the URI of an item or parameter to a store; each connection is opened once per process."""

from collections.abc import Mapping, Sequence

from reelmill.contract.errors import SpecError
from reelmill.contract.task import Connection, SourceDef, StoreRef
from reelmill.contract.task_parts.web_limits import WebLimits
from reelmill_stages.store import Store
from reelmill_stages.store.metered import Metered
from reelmill_stages.store.open import connection_to, open_location, open_store, split_uri


def is_absolute(uri: str) -> bool:
    """Return whether a media URI refers to a source object; otherwise, it is a key in the pipeline's store."""
    return uri.startswith("/") or "://" in uri


class Locations:
    """The pipeline's store, and the buckets and folders of its sources."""

    def __init__(self, ref: StoreRef, sources: Sequence[SourceDef], env: Mapping[str, str]) -> None:
        self.store: Store = Metered(open_store(ref, env=env))
        self._ref = ref
        self._sources = {source.name: source for source in sources}
        self._env = env
        self._open: dict[tuple[str, Connection, WebLimits | None], Store] = {}

    def of_source(self, uri: str, source: str) -> tuple[Store, str]:
        """Return (store, key) of an object of a source. Raises SpecError for a source that is not in the task."""
        if source and source not in self._sources:
            raise SpecError(f"the task has no connection for source {source!r}", where=uri, hint="this is a bug")
        found = self._sources.get(source)
        return self._at(uri, found.connection, found.web) if found else self._at(uri, None)

    def of_file(self, uri: str) -> tuple[Store, str]:
        """Return (store, key) of a file of a parameter, read with the connection of the pipeline's store."""
        return self._at(uri, None)

    def _at(self, uri: str, own: Connection | None, web: WebLimits | None = None) -> tuple[Store, str]:
        root, key = split_uri(uri)
        connection = connection_to(uri, own, self._ref)
        store = self._open.get((root, connection, web))
        if store is None:
            store = self._open[root, connection, web] = Metered(open_location(uri, connection, self._env, web))
        return store, key
