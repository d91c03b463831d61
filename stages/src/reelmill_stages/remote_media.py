"""Selection of media to read by ranges: large objects whose container has one index of all samples.

Only objects of a source are read by ranges, because an etag identifies them. Outputs of stages are identified by a
digest of their content, which can be verified only on the whole file.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from reelmill_stages.media.container.remote_container import remote_container
from reelmill_stages.media_file import RemoteFile, WholeFileNeeded
from reelmill_stages.store import Store
from reelmill_stages.store.ranges.block_cache import BlockCache
from reelmill_stages.store.ranges.ranged_media import RangedMedia

SMALLEST = 16 << 20
"""Minimum size in bytes: transferring a smaller object takes hardly longer than transferring its index."""


def by_ranges(
    store: Store,
    key: str,
    size: int,
    cache: BlockCache,
    *,
    etag: str,
    version: str = "",
    errors: Callable[[], AbstractContextManager[None]] = nullcontext,
    smallest: int = SMALLEST,
) -> RemoteFile | None:
    """Return the object as a file read by ranges, with its index being fetched; None if the whole object is better.

    Raises the errors of `Store.read`, converted by `errors`.
    """
    if not store.remote or size < smallest or not etag:
        return None
    found = RangedMedia(store, key, size, cache, etag=etag, version=version, errors=errors)
    try:
        if media := remote_container(found):
            return media
    except WholeFileNeeded:
        pass
    found.close()
    return None
