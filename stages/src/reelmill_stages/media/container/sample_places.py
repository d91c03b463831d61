"""Offsets of the samples of a track (`stsc` and `stco`); only the needed entries are read."""

import struct
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from reelmill_stages.media.container.movie_index import Track

Read = Callable[[range], bytes]
_RUN = struct.Struct(">III")
_AT_ONCE = 8192
"""Number of entries of `stsc` that are read at a time."""


class SamplePlaces:
    """Lookup of sample offsets. Bytes of the track are counted from its first sample.

    `sizes` are those of all samples, in bytes. Methods raise ValueError if the tables contradict each other.
    """

    def __init__(self, track: Track, sizes: Sequence[int], read: Read) -> None:
        self.starts = array("Q", accumulate(sizes, initial=0))
        self._count = len(sizes)
        self._read = read
        self._table = track.tables[b"stsc"].table
        self._wide = 8 if b"co64" in track.tables else 4
        self._offsets = track.tables[b"co64" if self._wide == 8 else b"stco"].table
        self._runs: list[tuple[int, int]] = []
        self._firsts: list[int] = []
        """For each run of chunks that was read: (first chunk, samples per chunk), and its first sample."""

    @property
    def size(self) -> int:
        """Bytes of the track."""
        return self.starts[-1]

    def chunk_of(self, byte: int) -> tuple[int, range]:
        """Return the chunk that contains a byte, counted from 0, and the range of bytes of that chunk."""
        sample = bisect_right(self.starts, byte) - 1
        while self._first_unknown_sample() <= sample:
            self._read_runs()
        at = bisect_right(self._firsts, sample) - 1
        chunk, each = self._runs[at]
        further = (sample - self._firsts[at]) // each
        first = self._firsts[at] + further * each
        last = min(first + each, self._count)
        return chunk + further, range(self.starts[first], self.starts[last])

    def entries(self, chunks: range) -> range:
        """Return the range in the file of the offsets of these chunks."""
        found = range(self._offsets.start + chunks.start * self._wide, self._offsets.start + chunks.stop * self._wide)
        if found.stop > self._offsets.stop:
            raise ValueError("samples lie in chunks that are not listed")
        return found

    def offsets(self, chunks: range) -> tuple[int, ...]:
        """Return the offsets of chunks in the file."""
        data = self._read(self.entries(chunks))
        return struct.unpack(f">{len(chunks)}{'Q' if self._wide == 8 else 'I'}", data)

    def extents(self, wanted: range) -> Iterable[range]:
        """Yield the ranges in the file of a range of the track, chunk by chunk."""
        byte = wanted.start
        found: list[tuple[int, range]] = []
        while byte < wanted.stop:
            chunk, held = self.chunk_of(byte)
            found.append((chunk, range(byte - held.start, min(held.stop, wanted.stop) - held.start)))
            byte = held.stop
        if not found:
            return
        first = found[0][0]
        offsets = self.offsets(range(first, found[-1][0] + 1))
        for chunk, inside in found:
            offset = offsets[chunk - first]
            yield range(offset + inside.start, offset + inside.stop)

    def _first_unknown_sample(self) -> int:
        """Return the first sample whose chunk is not known yet."""
        if len(self._runs) * _RUN.size >= len(self._table):
            return self._count
        return self._firsts[-1] if self._firsts else 0

    def _read_runs(self) -> None:
        start = self._table.start + len(self._runs) * _RUN.size
        stop = min(start + _AT_ONCE * _RUN.size, self._table.stop)
        if (stop - start) % _RUN.size:
            raise ValueError("the table of chunks is damaged")
        for chunk, each, description in _RUN.iter_unpack(self._read(range(start, stop))):
            first = 0
            if self._runs:
                before, samples = self._runs[-1]
                first = self._firsts[-1] + (chunk - 1 - before) * samples
                if chunk - 1 <= before:
                    raise ValueError("the table of chunks is out of order")
            elif chunk != 1:
                raise ValueError("the table of chunks does not begin with the first one")
            if not each or description != 1:
                raise ValueError("chunks have several descriptions, or no samples")
            self._runs.append((chunk - 1, each))
            self._firsts.append(first)
