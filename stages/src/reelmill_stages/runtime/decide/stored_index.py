"""The index of the signatures that an earlier pass kept, read from the store; only needed files are read."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np

from reelmill.contract.errors import NotFound
from reelmill.contract.records.segment import KeptIndex, Object
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.runtime.decide import blocks, postings
from reelmill_stages.runtime.decide.checked_postings import CheckedPostings
from reelmill_stages.runtime.decide.postings import Numbers, Postings, Terms
from reelmill_stages.stage import Signed
from reelmill_stages.store.damage import address, changed, gone, unreadable
from reelmill_stages.store.digests import file_digest, file_sum

R = TypeVar("R")
Bucket = Postings | CheckedPostings
"""The postings of one file, with or without checksums."""
_OPEN = 128
"""Number of buckets whose files are open at the same time."""


class StoredIndex:
    """The index of one segment. Its methods raise StoreDamaged for files that differ from what was committed."""

    def __init__(self, data: DataSet, record: KeptIndex) -> None:
        self._data = data
        self._record = record
        self._files: dict[str, Path] = {}
        self._sums = dict(zip((file.key for file in record.files), record.sums, strict=False))
        self._buckets: OrderedDict[int, Bucket] = OrderedDict()
        self._blocks = blocks.Blocks(
            lambda number: self._file(record.blocks[number]),
            record.block_size,
            sums=record.checked,
        )

    def __len__(self) -> int:
        return self._record.count

    def find(self, wanted: Terms) -> tuple[Numbers, Numbers]:
        """As `Postings.find`, over all buckets."""
        found = []
        for number, part in self._wanted_in_buckets(wanted):
            places, numbers = self._find(number, wanted[part])
            found.append((places + part.start, numbers))
        return postings.together(found)

    def count(self, wanted: Terms) -> Numbers:
        """As `Postings.count`, over all buckets."""
        found = np.zeros(len(wanted), np.int64)
        for number, part in self._wanted_in_buckets(wanted):
            found[part] = self._count(number, wanted[part])
        return found

    def buckets(self) -> Iterator[Postings]:
        """All postings, in ascending order of terms."""
        for number in range(len(self._record.buckets)):
            yield self._read(number, lambda bucket: bucket.all())

    def row(self, number: int) -> Signed:
        """A kept input, by its number in this index."""
        try:
            return self._blocks.row(number)
        except (ValueError, IndexError) as error:
            block = min(number // self._record.block_size, len(self._record.blocks) - 1)
            raise self._damaged(self._record.blocks[block], error) from error

    def _wanted_in_buckets(self, wanted: Terms) -> Iterator[tuple[int, slice]]:
        """(bucket, its part of `wanted`) for each bucket that can contain some of these terms."""
        bits = (len(self._record.buckets) or 1).bit_length() - 1
        starts = np.arange(1 << bits, dtype=np.uint64) << np.uint64(64 - bits if bits else 0)
        edges = [*np.searchsorted(wanted, starts).tolist(), len(wanted)]
        for number, (first, end) in enumerate(pairwise(edges) if self._record.count else ()):
            if end > first and self._record.buckets[number]:
                yield number, slice(first, end)

    def _find(self, number: int, wanted: Terms) -> tuple[Numbers, Numbers]:
        return self._read(number, lambda bucket: bucket.find(wanted))

    def _count(self, number: int, wanted: Terms) -> Numbers:
        return self._read(number, lambda bucket: bucket.count(wanted))

    def _read(self, number: int, read: Callable[[Bucket], R]) -> R:
        """Read from a bucket."""
        record = self._record.buckets[number]
        if record is None:
            return read(Postings(np.zeros(0, np.uint64), np.zeros(0, np.uint32)))
        try:
            return read(self._bucket(number, record))
        except ValueError as error:
            raise self._damaged(record, error) from error

    def _bucket(self, number: int, record: Object) -> Bucket:
        found = self._buckets.get(number)
        if found is None:
            held = postings.read(self._file(record))
            found = CheckedPostings(held, number) if self._record.checked else held
            self._buckets[number] = found
            if len(self._buckets) > _OPEN:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(number)
        return found

    def _file(self, record: Object) -> Path:
        if record.key not in self._files:
            self._files[record.key] = self._fetched(record)
        return self._files[record.key]

    def _fetched(self, record: Object) -> Path:
        """A local copy, which is compared with its checksum or digest unless its postings have checksums."""
        wanted, is_checked = self._sums.get(record.key), self._record.checked
        try:
            file = self._data.fetch(record.key, "" if is_checked or wanted is not None else record.digest)
        except NotFound as error:
            raise gone(address(self._data.store, record.key)) from error
        if file.stat().st_size != record.size or (not is_checked and wanted is not None and file_sum(file) != wanted):
            raise changed(address(self._data.store, record.key), record.digest, file_digest(file))
        return file

    def _damaged(self, record: Object, error: Exception) -> Exception:
        return unreadable(
            address(self._data.store, record.key), f"not a part of the index of signatures that was written: {error}"
        )
