"""Restriction of the locations from which files of items are read for display: the store and the pipeline's sources.

Records may be hostile. A name in a record is used only if it is in a data set of the store, does not name one of
reelmill's own records, and has no link in its path. A URI outside the store is used only below a folder of a source
that the pipeline itself defines; source definitions in the store do not suffice.
"""

from collections.abc import Mapping

from reelmill.contract.errors import StoreError
from reelmill.contract.records.layout import INTERNAL, KEY_DIGITS
from reelmill.contract.task import SourceDef, Task
from reelmill_stages.sources.objects.own_store import folders
from reelmill_stages.store import Store
from reelmill_stages.store.forwarding import Forwarding
from reelmill_stages.store.keys import check_new_key
from reelmill_stages.store.local.folders import refuse_links
from reelmill_stages.store.local.store import LocalStore
from reelmill_stages.store.locations import Locations, is_absolute
from reelmill_stages.store.open import split_uri
from reelmill_stages.store.read_only import ReadOnly


class MediaPlaces:
    """The locations from which a pipeline's items may be read."""

    def __init__(
        self,
        task: Task,
        store: Store,
        env: Mapping[str, str],
        *,
        trusted: bool,
        folders: bool = True,
        remedy: str = "",
    ) -> None:
        """With `trusted`, the task's sources are those of the pipeline itself, not those recorded in a store.

        Without `folders`, only sources in buckets are read: a folder in a resource on a cluster is a folder of its
        pods, not of this machine. `remedy` is the hint for a file elsewhere.
        """
        self._store = store
        self._locations = Locations(task.store, task.sources, env) if trusted else None
        self._folders = folders
        self._remedy = remedy
        self._sources: Mapping[str, SourceDef] = {source.name: source for source in task.sources}

    def place(self, uri: str, source: str = "") -> tuple[Store, str]:
        """(store, key) of a file. Raises StoreError if it may not be read."""
        if not is_absolute(uri):
            return self._store, self._own(uri)
        if self._locations is None or not self._is_of_source(uri, source):
            raise StoreError("this file is outside of the store", where=uri.rpartition("/")[2], hint=self._remedy)
        store, key = self._locations.of_source(uri, source)
        return ReadOnly(store), key

    def _own(self, key: str) -> str:
        parts = check_new_key(key).split("/")
        is_data = len(parts) > 2 and len(parts[1]) == KEY_DIGITS and set(parts[1]) <= set("0123456789abcdef")
        if not is_data or INTERNAL in parts:
            raise StoreError("this record names a file that is in no data set", where=key[:200])
        refuse_outside(self._store, key)
        return key

    def _is_of_source(self, uri: str, name: str) -> bool:
        source = self._sources.get(name)
        if source is None:
            return False
        root, key = split_uri(uri)
        if root == "/" and not self._folders:
            return False
        for _, folder in folders(source):
            listed, above = split_uri(folder)
            if root == listed and f"{key}/".startswith(f"{above.rstrip('/')}/" if above.strip("/") else ""):
                return True
        return False


def refuse_outside(store: Store, key: str) -> None:
    """Raise StoreError if a link leads to a file of a folder: it may lead out of the store."""
    while isinstance(store, Forwarding):
        store = store.inner
    if isinstance(store, LocalStore):
        *above, name = key.split("/")
        refuse_links(store.root, above)
        if (store.root / key).is_symlink():
            raise StoreError("this is a link, which may lead out of the store", where=name)
