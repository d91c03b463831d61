"""A store whose process is gone before one of its writes."""

from pathlib import Path
from typing import Any

from reelmill_stages.store import Stat, Store


class Killed(BaseException):
    """The process is gone: nothing in it can go on."""


class DyingStore:
    """Forwards everything to a store, until write number `at` (0: to the end)."""

    def __init__(self, store: Store, at: int) -> None:
        self._store, self._at = store, at
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, key: str, data: bytes | Path, **more: Any) -> Stat:
        self.writes += 1
        if self.writes == self._at:
            raise Killed(key)
        return self._store.write(key, data, **more)
