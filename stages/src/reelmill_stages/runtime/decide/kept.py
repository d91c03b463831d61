"""All inputs kept so far, over all segments and the current pass: the argument `kept` of `Stage.decide`."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from reelmill_stages.runtime.decide import postings
from reelmill_stages.runtime.decide.growing_index import GrowingIndex
from reelmill_stages.runtime.decide.postings import Numbers, Terms
from reelmill_stages.runtime.decide.stored_index import StoredIndex
from reelmill_stages.stage import Signed


class KeptInputs:
    """Implements `stage.KeptSignatures`. Numbers continue from index to index; those of `growing` come last."""

    def __init__(self, earlier: Sequence[StoredIndex], growing: GrowingIndex) -> None:
        self._indexes: tuple[StoredIndex | GrowingIndex, ...] = (*earlier, growing)
        self._starts = [0, *accumulate(len(index) for index in earlier)]

    def find(self, values: Terms) -> tuple[Numbers, Numbers]:
        """Pairs of (index in `values`, number of a kept input that has this term)."""
        filled = [(start, index) for start, index in zip(self._starts, self._indexes, strict=True) if len(index)]
        if not filled:
            return postings.NOTHING
        terms = postings.mixed(values)
        order = np.argsort(terms)
        wanted = terms[order]
        found = []
        for start, index in filled:
            places, numbers = index.find(wanted)
            found.append((order[places], numbers + start))
        return postings.together(found)

    def count(self, values: Terms) -> Numbers:
        """For each term, the number of kept inputs that have it."""
        terms = postings.mixed(values)
        order = np.argsort(terms)
        found = np.zeros(len(terms), np.int64)
        for index in self._indexes:
            found[order] += index.count(terms[order])
        return found

    def get(self, number: int) -> Signed:
        """A kept input."""
        # Of several indexes with the same start, all but the last are empty.
        place = bisect_right(self._starts, number) - 1
        return self._indexes[place].row(number - self._starts[place])
