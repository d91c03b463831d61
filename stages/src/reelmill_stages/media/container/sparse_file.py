"""Remote file whose index is spread over the container: the index is transferred first, then the needed samples."""

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from reelmill_stages.media_file import RemoteObject, buffered


class SparseFile:
    """A `RemoteFile`. `index` has the byte ranges that a demuxer needs in any case, in order."""

    def __init__(self, source: RemoteObject, index: Sequence[range]) -> None:
        """Fetch the index. Raises WholeFileNeeded if it is most of the object."""
        self._source = source
        self._index = index
        self._starts = [part.start for part in index]
        self._zeros = False
        source.expect(index)

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def size(self) -> int:
        return self._source.size

    @property
    def failure(self) -> Exception | None:
        return self._source.failure

    def open(self, *, sound: bool = False) -> io.BufferedReader:
        return buffered(self)

    def expect(self, ranges: Sequence[range]) -> None:
        self._source.expect(ranges)

    @contextmanager
    def index_only(self) -> Iterator[None]:
        self._zeros = True
        try:
            yield
        finally:
            self._zeros = False

    def close(self) -> None:
        self._source.close()

    def read(self, start: int, length: int, *, wait: bool = True) -> bytes:
        if not self._zeros or start >= self.size:
            return self._source.read(start, length, wait=wait)
        at = bisect_right(self._starts, start)
        if at and start < self._index[at - 1].stop:
            return self._source.read(start, min(length, self._index[at - 1].stop - start), wait=wait)
        until = self._starts[at] if at < len(self._starts) else self.size
        return bytes(min(length, until - start))
