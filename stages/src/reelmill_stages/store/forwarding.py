"""A store that forwards all calls to another one."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from reelmill_stages.store import Stat, Store


class Forwarding:
    """Implements `Store` by another store. Subclasses override what they change."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def inner(self) -> Store:
        """The store that is wrapped."""
        return self._store

    @property
    def uri(self) -> str:
        return self._store.uri

    @property
    def remote(self) -> bool:
        return self._store.remote

    def stat(self, key: str) -> Stat:
        return self._store.stat(key)

    def read(
        self, key: str, *, start: int = 0, length: int | None = None, if_match: str = "", version: str = ""
    ) -> bytes:
        return self._store.read(key, start=start, length=length, if_match=if_match, version=version)

    def open(self, key: str, *, if_match: str = "", version: str = "") -> AbstractContextManager[BinaryIO]:
        return self._store.open(key, if_match=if_match, version=version)

    def fetch(self, key: str, folder: Path, *, if_match: str = "", version: str = "") -> Path:
        return self._store.fetch(key, folder, if_match=if_match, version=version)

    def write(
        self,
        key: str,
        data: bytes | Path,
        *,
        create: bool = False,
        if_match: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> Stat:
        return self._store.write(key, data, create=create, if_match=if_match, metadata=metadata)

    def list(self, prefix: str = "", *, follow_links: bool = True, problems: bool = False) -> Iterator[Stat]:
        return self._store.list(prefix, follow_links=follow_links, problems=problems)

    def folders(self, prefix: str = "") -> Iterator[str]:
        return self._store.folders(prefix)

    def delete(self, key: str) -> None:
        self._store.delete(key)

    def move(self, key: str, to: str) -> None:
        self._store.move(key, to)
