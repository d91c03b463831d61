"""Postings in a file, each with a checksum, so that a search verifies only the postings that it reads.

The checksum is in the lower 24 bits of a term, which are 0 otherwise. It depends on the upper bits, on the number and
on the position of the posting. A search ends between two neighbours: the first is less than the wanted term, the second
is not. If both are intact, the result is the same as in the undamaged file, even if other postings are damaged.
"""

from dataclasses import dataclass

import numpy as np

from reelmill_stages.runtime.decide import postings
from reelmill_stages.runtime.decide.postings import LOW, Numbers, Postings, Terms, mixed, spread

_ODD = np.uint64(0x9E3779B97F4A7C15)


def checked(found: Postings, bucket: int) -> Postings:
    """The postings of a bucket with their checksums, as in its file."""
    checks = _check_bits(found.terms, found.numbers, np.arange(len(found)), bucket)
    return Postings(found.terms | checks, found.numbers)


@dataclass(frozen=True, slots=True)
class CheckedPostings:
    """The postings of a bucket as stored in a file. Its methods raise ValueError for corrupted ones."""

    held: Postings
    bucket: int

    def find(self, wanted: Terms) -> tuple[Numbers, Numbers]:
        """As `Postings.find`."""
        if not len(self.held) or not len(wanted):
            return postings.NOTHING
        terms = self.held.terms
        begin = np.searchsorted(terms, wanted)
        places = np.flatnonzero(terms[np.minimum(begin, len(terms) - 1)] & ~LOW == wanted)
        first = begin[places]
        ends = np.searchsorted(terms, wanted[places] | LOW, "right")
        rows = spread(first, ends - first)
        looked_at = np.zeros(len(terms) + 1, bool)  # positions before the first and after the last are the last element
        for each in (begin - 1, begin, rows, ends):
            looked_at[each] = True
        self._compare(np.flatnonzero(looked_at[:-1]))
        return np.repeat(places, ends - first), self.held.numbers[rows].astype(np.int64)

    def count(self, wanted: Terms) -> Numbers:
        """As `Postings.count`. Of the postings of a term, only the first and the last are verified."""
        begin = np.searchsorted(self.held.terms, wanted)
        ends = np.searchsorted(self.held.terms, wanted | LOW, "right")
        looked_at = np.concatenate([begin - 1, begin, ends - 1, ends])
        self._compare(looked_at[(looked_at >= 0) & (looked_at < len(self.held))])
        return ends - begin

    def all(self) -> Postings:
        """All postings, without their checksums."""
        self._compare(np.arange(len(self.held)))
        return Postings(self.held.terms & ~LOW, self.held.numbers)

    def _compare(self, places: Numbers) -> None:
        terms = self.held.terms[places]
        changed = terms & LOW != _check_bits(terms & ~LOW, self.held.numbers[places], places, self.bucket)
        if changed.any():
            raise ValueError(f"posting {int(places[changed][0])} is not the one that was written")


def _check_bits(terms: Terms, numbers: Numbers, places: Numbers, bucket: int) -> Terms:
    owners = (numbers.astype(np.uint64) | np.uint64(bucket << 32)) * _ODD
    found: Terms = mixed((terms | (places.astype(np.uint64) & LOW)) ^ owners) >> np.uint64(40)
    return found
