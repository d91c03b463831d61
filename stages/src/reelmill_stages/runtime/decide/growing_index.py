"""The index of the inputs that the current pass has kept so far, in files of the scratch folder.

Postings are stored in runs. Several runs of similar size are merged, so there are never many. Memory holds the last
run, the last block and one piece of a merge.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from reelmill_stages.runtime.decide import blocks, postings
from reelmill_stages.runtime.decide.postings import Numbers, Postings, Terms
from reelmill_stages.runtime.decide.stored_index import StoredIndex
from reelmill_stages.stage import Signed

_TOGETHER = 4
"""Number of runs of similar size that are merged."""
_IN_MEMORY = 1 << 16
"""Largest run, in postings, that is kept in memory."""


class GrowingIndex:
    """Kept inputs and their terms, numbered from 0 in the order in which they are added.

    With `sums`, its blocks contain a CRC-32 of each input.
    """

    def __init__(self, folder: Path, *, sums: bool = True) -> None:
        self._folder = folder
        self._sums = sums
        self._runs: list[Postings] = []
        self._levels: list[int] = []
        self._written = 0
        self._last: list[Signed] = []
        self._full = 0
        self._blocks = blocks.Blocks(self._block_file)

    def __len__(self) -> int:
        return self._full * blocks.BLOCK + len(self._last)

    def add(self, rows: Sequence[Signed], terms: Terms, owners: Numbers) -> None:
        """Add kept inputs and their mixed terms; `owners` are indexes in `rows`."""
        first = len(self)
        self._append(rows)
        if len(terms):
            fresh = postings.postings(terms, owners)
            self._add_run(Postings(fresh.terms, fresh.numbers + np.uint32(first)))

    def take(self, index: StoredIndex) -> None:
        """Add the content of an index of an earlier pass. Raises StoreDamaged as that index."""
        first = len(self)
        self._append(index.row(number) for number in range(len(index)))
        for bucket in index.buckets():
            self._add_run(Postings(bucket.terms, bucket.numbers + np.uint32(first)))

    def find(self, wanted: Terms) -> tuple[Numbers, Numbers]:
        """As `Postings.find`, over all runs."""
        return postings.together([run.find(wanted) for run in self._runs])

    def count(self, wanted: Terms) -> Numbers:
        """As `Postings.count`, over all runs."""
        return sum((run.count(wanted) for run in self._runs), start=np.zeros(len(wanted), np.int64))

    def row(self, number: int) -> Signed:
        """A kept input."""
        block, place = divmod(number, blocks.BLOCK)
        return self._last[place] if block == self._full else self._blocks.row(number)

    def buckets(self) -> Iterator[Postings]:
        """All postings, in buckets of about `postings.PIECE`; the number of buckets is a power of two."""
        runs = self._runs or [Postings(np.zeros(0, np.uint64), np.zeros(0, np.uint32))]
        yield from postings.pieces(runs, postings.bits_for(sum(map(len, runs))))

    def block_files(self) -> Iterator[Path]:
        """Files of all blocks, in order."""
        if self._last:
            self._write_last()
        yield from (self._block_file(number) for number in range(self._full + bool(self._last)))

    def _append(self, rows: Iterable[Signed]) -> None:
        remaining = iter(rows)
        while more := list(islice(remaining, blocks.BLOCK - len(self._last))):
            self._last += more
            if len(self._last) == blocks.BLOCK:
                self._write_last()
                self._full, self._last = self._full + 1, []

    def _write_last(self) -> None:
        data = blocks.block(self._last, self._full * blocks.BLOCK, sums=self._sums)
        self._block_file(self._full).write_bytes(data)

    def _add_run(self, run: Postings) -> None:
        self._runs.append(self._merged_run([run]))
        self._levels.append(_level(run))
        while self._levels.count(self._levels[-1]) >= _TOGETHER or self._out_of_order():
            number = _TOGETHER if self._levels.count(self._levels[-1]) >= _TOGETHER else 2
            run = self._merged_run(self._runs[-number:])
            self._runs[-number:], self._levels[-number:] = [run], [_level(run)]

    def _out_of_order(self) -> bool:
        """Whether a run is larger than the one before: merging these two keeps runs of equal size together."""
        return len(self._levels) > 1 and self._levels[-1] > self._levels[-2]

    def _merged_run(self, runs: Sequence[Postings]) -> Postings:
        """Merge runs into one, in memory or in a file."""
        count = sum(map(len, runs))
        if count <= _IN_MEMORY:
            return postings.merged(runs)
        self._written += 1
        file = self._folder / f"run-{self._written:06d}.bin"
        postings.write(file, postings.pieces(runs, postings.bits_for(count)), count)
        found = postings.read(file)
        file.unlink()  # the mapping keeps it until the next merge
        return found

    def _block_file(self, number: int) -> Path:
        return self._folder / f"block-{number:06d}.bin"


def _level(run: Postings) -> int:
    return len(run).bit_length() // 2
