"""Which media are read by ranges: large objects whose container has one index of all samples.

What is read by ranges is a source's object, identified by its etag. Outputs of stages are identified by a digest of
their content, which only the whole file can be compared with.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from reelmill_stages.media.container.remote_container import remote_container
from reelmill_stages.media_file import RemoteFile, WholeFileNeeded
from reelmill_stages.store import Store
from reelmill_stages.store.ranges.block_cache import BlockCache
from reelmill_stages.store.ranges.ranged_media import RangedMedia

SMALLEST = 16 << 20
"""Bytes; a smaller object takes hardly longer in one stream than its index alone."""


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
    """The object as a file that is read by ranges, with its index on the way; None where the whole object is better.

    Raises what `Store.read` raises, as converted by `errors`.
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
