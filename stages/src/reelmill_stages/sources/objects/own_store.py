"""Keeps the pipeline's own store out of its sources: otherwise each run would read the outputs of the previous one."""

import os
from collections.abc import Iterator
from functools import cache

from reelmill.contract.errors import SpecError
from reelmill.contract.task import SourceDef, StoreRef
from reelmill_stages.store.open import check_store_uri, connection_to, split_uri

_FOLDERS = ("uri", "videos", "clips", "root", "base")
"""Parameters of source blocks with folders to be listed; a `uri` may be that of a file."""


class OwnStore:
    """The location of the store, for a folder with links resolved. `endpoint` is that of the server, for a bucket.

    Raises SpecError for a URI that is not that of a store.
    """

    def __init__(self, ref: StoreRef) -> None:
        check_store_uri(ref.uri)
        self._endpoint = ref.connection.endpoint
        self._root, key = split_uri(ref.uri)
        self._uri = f"{self._root.rstrip('/')}/{key.rstrip('/')}"
        self._folder = self._resolved(self._uri)
        self._is_below = cache(self._resolved_below)

    def refuse(self, uri: str, endpoint: str) -> None:
        """Raise SpecError if the folder of a source is the store itself."""
        if self._is_there(uri, endpoint) and self._resolved(_tidied(uri)) == self._folder:
            raise SpecError(
                f"the source {_tidied(uri)} is the pipeline's own store {self._uri}"
                + ("" if self._folder == self._uri == _tidied(uri) else f": both are {self._folder}"),
                where=uri,
                hint="keep the store in another folder, beside the source",
            )

    def message_about_store_inside(self, uri: str, endpoint: str) -> str:
        """Return the sentence about a store below the folder of a source, with links resolved; otherwise empty."""
        folder = self._resolved(_tidied(uri))
        if not self._is_there(uri, endpoint) or not self._folder.startswith(f"{folder.rstrip('/')}/"):
            return ""
        named = "" if (self._uri, _tidied(uri)) == (self._folder, folder) else f" ({self._folder} in {folder})"
        return f"the pipeline's own store {self._uri} lies in the source {_tidied(uri)}{named}: its files are ignored"

    def holds(self, uri: str, listed: str, endpoint: str) -> bool:
        """Return whether an object below `listed` belongs to the store; False if the listed folder is in the store."""
        if not self._is_there(uri, endpoint) or self._is_below(_tidied(listed)):
            return False
        return self._is_below(uri.rpartition("/")[0])

    def _is_there(self, uri: str, endpoint: str) -> bool:
        root = split_uri(uri)[0]
        return root == self._root and (root == "/" or endpoint == self._endpoint)

    def _resolved_below(self, folder: str) -> bool:
        return f"{self._resolved(folder)}/".startswith(f"{self._folder.rstrip('/')}/")

    def _resolved(self, folder: str) -> str:
        return os.path.realpath(folder) if self._root == "/" else folder


def folders(source: SourceDef) -> Iterator[tuple[str, str]]:
    """Yield (parameter, URI) of the folders that a source lists."""
    for field in _FOLDERS:
        uri = source.params.get(field)
        if isinstance(uri, str) and uri:
            yield field, uri


def refuse_own_store(store: StoreRef, sources: tuple[SourceDef, ...]) -> None:
    """Raise SpecError if a folder of a source is the store, before anything is written to it."""
    own = OwnStore(store)
    for source in sources:
        for _, uri in folders(source):
            own.refuse(uri, connection_to(uri, source.connection, store).endpoint)


def _tidied(uri: str) -> str:
    root, key = split_uri(uri)
    return f"{root.rstrip('/')}/{key.rstrip('/')}"
