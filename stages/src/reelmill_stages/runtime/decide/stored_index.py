"""The index of the signatures that an earlier pass kept, read from the store: only the files that are needed."""

from collections import OrderedDict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from reelmill.contract.errors import NotFound
from reelmill.contract.records.segment import KeptIndex, Object
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.runtime.decide import blocks, postings
from reelmill_stages.runtime.decide.postings import Numbers, Postings, Terms
from reelmill_stages.stage import Signed
from reelmill_stages.store.damage import address, changed, gone, unreadable
from reelmill_stages.store.digests import file_digest, file_sum

_OPEN = 128
"""Number of buckets whose files are open at the same time."""


class StoredIndex:
    """The index of one segment. Its methods raise StoreDamaged for files that are not what was committed."""

    def __init__(self, data: DataSet, record: KeptIndex) -> None:
        self._data = data
        self._record = record
        self._files: dict[str, Path] = {}
        self._sums = dict(zip((file.key for file in record.files), record.sums, strict=False))
        self._buckets: OrderedDict[int, Postings] = OrderedDict()
        self._blocks = blocks.Blocks(lambda number: self._file(record.blocks[number]), record.block_size)

    def __len__(self) -> int:
        return self._record.count

    def find(self, wanted: Terms) -> tuple[Numbers, Numbers]:
        """As `Postings.find`, over all buckets."""
        bits = (len(self._record.buckets) or 1).bit_length() - 1
        if not self._record.count:
            return postings.NOTHING
        if not bits:
            return self._bucket(0).find(wanted)
        starts = np.arange(1 << bits, dtype=np.uint64) << np.uint64(64 - bits)
        edges = [*np.searchsorted(wanted, starts).tolist(), len(wanted)]
        found = []
        for number, (first, end) in enumerate(pairwise(edges)):
            if end > first and self._record.buckets[number]:
                places, numbers = self._bucket(number).find(wanted[first:end])
                found.append((places + first, numbers))
        return postings.together(found)

    def buckets(self) -> Iterator[Postings]:
        """All postings, by rising terms."""
        for number in range(len(self._record.buckets)):
            yield self._bucket(number)

    def row(self, number: int) -> Signed:
        """A kept input, by its number in this index."""
        try:
            return self._blocks.row(number)
        except (ValueError, IndexError) as error:
            block = min(number // self._record.block_size, len(self._record.blocks) - 1)
            raise self._damaged(self._record.blocks[block]) from error

    def _bucket(self, number: int) -> Postings:
        found = self._buckets.get(number)
        if found is None:
            record = self._record.buckets[number]
            if record is None:
                return Postings(np.zeros(0, np.uint64), np.zeros(0, np.uint32))
            try:
                found = postings.read(self._file(record))
            except ValueError as error:
                raise self._damaged(record) from error
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
        wanted = self._sums.get(record.key)
        try:
            file = self._data.fetch(record.key, record.digest if wanted is None else "")
        except NotFound as error:
            raise gone(address(self._data.store, record.key)) from error
        if wanted is not None and file_sum(file) != wanted:
            raise changed(address(self._data.store, record.key), record.digest, file_digest(file))
        return file

    def _damaged(self, record: Object) -> Exception:
        return unreadable(address(self._data.store, record.key), "not a part of an index of signatures")
