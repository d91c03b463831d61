"""A folder in place of a bucket, whose objects are read by ranges and which records every request."""

from pathlib import Path
from typing import Any

from reelmill_stages.store.local.store import LocalStore
from reelmill_stages.store.ranges.block_cache import BlockCache
from reelmill_stages.store.ranges.ranged_media import RangedMedia


class RangedFolder(LocalStore):
    """`requests` has the (offset, length) of each read."""

    remote = True

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.requests: list[tuple[int, int]] = []

    def read(self, key: str, **asked: Any) -> bytes:
        data = super().read(key, **asked)
        self.requests.append((asked.get("start", 0), len(data)))
        return data


def ranged(store: LocalStore, name: str, *, block: int = 512, limit: int = 4 << 20, most: float = 9.0) -> RangedMedia:
    """An object of the store that is read in small blocks."""
    found = store.stat(name)
    cache = BlockCache(Path(store.uri), block=block, limit=limit)
    return RangedMedia(store, name, found.size, cache, etag=found.etag, most=most)
