"""An object in a bucket as a seekable file, of which only the parts that are read or expected are transferred.

Every request contains the etag, so all bytes are those of one version of the object. Blocks that were read stay in a
cache of bounded size. Expected requests run ahead in a few threads; only the reading thread accesses the cache.
"""

import io
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path, PurePosixPath

from reelmill.contract.errors import RangesUnsupported
from reelmill.contract.records.usage import Bound
from reelmill_stages.media_file import WholeFileNeeded, buffered
from reelmill_stages.metering.work_clock import CLOCK
from reelmill_stages.store import Store
from reelmill_stages.store.ranges.block_cache import BlockCache
from reelmill_stages.store.ranges.read_ahead import ReadAhead

MOST = 0.5
"""Fraction of an object: to read more than this, the whole object is transferred in one stream."""
_THREADS = 8
_BUFFER = 4 << 10
_LARGE = 36 << 10
"""Size of a large read in bytes; demuxers read 32 KiB at a time, even for a header."""


class RangedMedia:
    """The object `key` of `size` bytes, a `RemoteFile`. Not thread-safe, and not for use in several processes.

    Its files raise what `Store.read` raises, as converted by `errors`, and WholeFileNeeded if the server does not
    support ranges; after the first error, every read raises it again.
    """

    def __init__(
        self,
        store: Store,
        key: str,
        size: int,
        cache: BlockCache,
        *,
        etag: str,
        version: str = "",
        errors: Callable[[], AbstractContextManager[None]] = nullcontext,
        most: float = MOST,
    ) -> None:
        self.key = key
        self.size = size
        self.failure: Exception | None = None
        self.transferred = 0
        """Number of bytes requested."""
        self._store = store
        self._etag = etag
        self._version = version
        self._errors = errors
        self._most = most
        self._cache = cache
        self._number = cache.add_object()
        self._ahead = ReadAhead()
        self._expected: deque[range] = deque()
        self._running: deque[tuple[range, Future[tuple[bytes, float]]]] = deque()
        self._pool: ThreadPoolExecutor | None = None
        self._last = -1
        self._window = cache.block

    @property
    def name(self) -> str:
        return PurePosixPath(self.key).name

    def open(self, *, buffer: int = _BUFFER) -> io.BufferedReader:
        """Return a file, positioned at the start. `buffer`: minimum size of a read in bytes."""
        return buffered(self, buffer=buffer)

    def expect(self, ranges: Sequence[range]) -> None:
        """Set the byte ranges that are read next, in this order. They replace earlier ones.

        Raises WholeFileNeeded if they are most of the object.
        """
        if sum(map(len, ranges)) > self.size * self._most:
            raise WholeFileNeeded(f"{self.name}: most of the object is to be read")
        with self._failure_kept():
            self._expect(ranges)

    def _expect(self, ranges: Sequence[range]) -> None:
        size = max(1, min(self._ahead.request(), self._cache.capacity // 2) // self._cache.block)
        self._expected.clear()
        while self._running:
            blocks, future = self._running.popleft()
            self._keep(blocks, *future.result())
        for wanted in ranges:
            if not wanted:
                continue
            first, stop = wanted.start // self._cache.block, -(-min(wanted.stop, self.size) // self._cache.block)
            self._expected += (range(at, min(at + size, stop)) for at in range(first, stop, size))
        self._start()

    def close(self) -> None:
        """End the running requests. The cache belongs to the caller."""
        self._expected.clear()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._running.clear()

    def read(self, start: int, length: int, *, wait: bool = True) -> bytes:
        """Read at least one and at most `length` bytes from `start` on, up to the end of one block; empty at the end.

        Without `wait`, also empty if the block is not in the cache.
        """
        length = min(length, self.size - start)
        if length <= 0:
            return b""
        if self.failure is not None:
            raise self.failure
        number, offset = divmod(start, self._cache.block)
        found = self._cache.get((self._number, number), offset, length)
        if found is None and not wait:
            return b""
        if found is None:
            with self._failure_kept(), CLOCK.on(Bound.STORE):
                self._load(number, -(-(offset + length) // self._cache.block))
            found = self._cache.get((self._number, number), offset, length)
            assert found is not None
        return found

    @contextmanager
    def _failure_kept(self) -> Iterator[None]:
        try:
            with self._errors():
                try:
                    yield
                except RangesUnsupported as error:
                    raise WholeFileNeeded(f"{self.name}: {error}") from error
        except Exception as error:
            self.failure = error
            raise

    def _load(self, number: int, count: int) -> None:
        """Transfer a block and, if nothing is expected there, up to `count` requested ones, or some read-ahead."""
        while self._running and any(number in blocks for blocks, _ in self._running):
            blocks, future = self._running.popleft()
            self._keep(blocks, *future.result())
            self._start()
        if self._has_block(number):
            return
        for blocks in self._expected:
            if number in blocks:
                # The reads left the order: do not wait for earlier ranges.
                while self._expected.popleft() is not blocks:
                    pass
                self._keep(blocks, *self._request(blocks))
                self._start()
                return
        most = min(self._ahead.request(), self._cache.capacity // 2)
        if count * self._cache.block > _LARGE:
            # A large read is for data that is needed as a whole.
            count = min(count, most // self._cache.block)
        else:
            self._window = min(self._window * 2, most) if number == self._last else self._cache.block
            count = max(1, self._window // self._cache.block)
        end = -(-self.size // self._cache.block)
        blocks = range(number, min(number + count, end))
        held = next((block for block in blocks if self._has_block(block)), blocks.stop)
        blocks = range(number, held)
        self._keep(blocks, *self._request(blocks))
        self._last = blocks.stop

    def _has_block(self, number: int) -> bool:
        return (self._number, number) in self._cache

    def _start(self) -> None:
        """Start as many requests ahead as fit."""
        while self._expected and len(self._running) < self._ahead.parallel():
            blocks = self._expected.popleft()
            lacking = [block for block in blocks if not self._has_block(block)]
            if not lacking:
                continue
            self._pool = self._pool or ThreadPoolExecutor(_THREADS, "ranges")
            blocks = range(lacking[0], lacking[-1] + 1)
            self._running.append((blocks, self._pool.submit(self._request, blocks)))

    def _request(self, blocks: range) -> tuple[bytes, float]:
        """Return the content of blocks, and the duration in seconds."""
        start = blocks.start * self._cache.block
        length = min(blocks.stop * self._cache.block, self.size) - start
        began = time.monotonic()
        data = self._store.read(self.key, start=start, length=length, if_match=self._etag, version=self._version)
        if len(data) != length:
            raise RangesUnsupported(
                f"the server returned {len(data)} bytes of a range of {length}", where=f"{self._store.uri} {self.key}"
            )
        return data, time.monotonic() - began

    def _keep(self, blocks: range, data: bytes, seconds: float) -> None:
        self.transferred += len(data)
        self._ahead.measured(len(data), seconds)
        view, size = memoryview(data), self._cache.block
        # From last to first: the first block is read next, and must not be the first to be evicted.
        for place in reversed(range(len(blocks))):
            self._cache.put((self._number, blocks[place]), view[place * size : (place + 1) * size])


def ranged(store: Store, key: str, folder: Path) -> RangedMedia:
    """Open an object in its present version, with a separate cache in `folder`. Raises NotFound."""
    found = store.stat(key)
    return RangedMedia(store, key, found.size, BlockCache(folder), etag=found.etag)
