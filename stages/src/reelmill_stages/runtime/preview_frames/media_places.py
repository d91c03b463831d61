"""Where the files of items are read for people to look at: nowhere but in the store and in the pipeline's sources.

Records may be hostile: a name in one is used only where it stays in a data set of the store, is none of reelmill's own
records, and no link is on the way. An address outside the store is used only below a folder of a source that the
pipeline itself defines; what a store says about sources is not enough.
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
    """Where the files of a pipeline's items are read."""

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
        """With `trusted`, the task's sources are those of the pipeline itself, not what a store says.

        Without `folders`, only those in buckets are read: a folder that a resource in a cluster names is one of its
        pods, and not that of this machine. `remedy` is the hint for a file that lies elsewhere.
        """
        self._store = store
        self._locations = Locations(task.store, task.sources, env) if trusted else None
        self._folders = folders
        self._remedy = remedy
        self._sources: Mapping[str, SourceDef] = {source.name: source for source in task.sources}

    def place(self, uri: str, source: str = "") -> tuple[Store, str]:
        """(store, key) of a file. Raises StoreError where it may not be read."""
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
    """Raises StoreError where a link leads to a file of a folder: it may lead out of the store."""
    while isinstance(store, Forwarding):
        store = store.inner
    if isinstance(store, LocalStore):
        *above, name = key.split("/")
        refuse_links(store.root, above)
        if (store.root / key).is_symlink():
            raise StoreError("this is a link, which may lead out of the store", where=name)
