"""A read-only store, for reading sources."""

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from reelmill.contract.errors import StoreError
from reelmill_stages.store.forwarding import Forwarding


class ReadOnly(Forwarding):
    """Wraps a `Store`; `write`, `move` and `delete` raise StoreError."""

    def write(
        self,
        key: str,
        data: bytes | Path,
        *,
        create: bool = False,
        if_match: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> NoReturn:
        self._refuse(key)

    def delete(self, key: str) -> None:
        self._refuse(key)

    def move(self, key: str, to: str) -> None:
        self._refuse(key)

    def _refuse(self, key: str) -> NoReturn:
        raise StoreError(f"sources are read-only: {key}", where=self.uri, hint="write to the pipeline's store")
