"""Postings of an index of signatures: (term, number of a kept input), sorted by term.

Terms are mixed first, so that they are distributed evenly over 64 bits for any stage and can be divided into buckets by
their first bits. Pure functions of arrays.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Terms = np.ndarray[tuple[int], np.dtype[np.uint64]]
Numbers = np.ndarray[tuple[int], np.dtype[Any]]
"""Signed or unsigned integers."""

SIZE = 12
"""Bytes of one posting in a file: all terms as uint64, followed by all numbers as uint32, little-endian."""
PIECE = 1 << 20
"""Number of postings that are merged at once."""
_BITS = 64


@dataclass(frozen=True, slots=True)
class Postings:
    """`numbers[i]` has the term `terms[i]`; terms are mixed and in ascending order."""

    terms: Terms
    numbers: Numbers

    def __len__(self) -> int:
        return len(self.terms)

    def find(self, wanted: Terms) -> tuple[Numbers, Numbers]:
        """(indexes in `wanted`, numbers), for mixed terms in ascending order."""
        if not len(self.terms) or not len(wanted):
            return NOTHING
        begin = np.searchsorted(self.terms, wanted)
        held = self.terms[np.minimum(begin, len(self.terms) - 1)] == wanted
        places, begin = np.flatnonzero(held), begin[held]
        counts = np.searchsorted(self.terms, wanted[places], "right") - begin
        rows = spread(begin, counts)
        return np.repeat(places, counts), self.numbers[rows].astype(np.int64)

    def count(self, wanted: Terms) -> Numbers:
        """The number of postings of each term, for mixed terms in ascending order."""
        return np.searchsorted(self.terms, wanted, "right") - np.searchsorted(self.terms, wanted)

    def all(self) -> "Postings":
        return self

    def part(self, first: int, end: int) -> "Postings":
        """The postings with terms from `first` up to `end`."""
        low = int(np.searchsorted(self.terms, np.uint64(first))) if first else 0
        high = int(np.searchsorted(self.terms, np.uint64(end))) if end < 1 << _BITS else len(self)
        return Postings(self.terms[low:high], self.numbers[low:high])


NOTHING: tuple[Numbers, Numbers] = (np.zeros(0, np.int64), np.zeros(0, np.int64))
"""Result of `find` if nothing is found."""


def together(found: Sequence[tuple[Numbers, Numbers]]) -> tuple[Numbers, Numbers]:
    """Concatenate several results of `find`."""
    if not found:
        return NOTHING
    return np.concatenate([places for places, _ in found]), np.concatenate([numbers for _, numbers in found])


def spread(begin: Numbers, counts: Numbers) -> Numbers:
    """Concatenate the ranges that begin at `begin` and have `counts` numbers each."""
    ends = np.cumsum(counts)
    first = ends - counts
    found: Numbers = np.arange(ends[-1] if len(ends) else 0) + np.repeat(begin - first, counts)
    return found


def mixed(values: Terms) -> Terms:
    """Distribute terms evenly over the upper 40 of 64 bits (the finaliser of SplitMix64).

    The lower bits are 0, and hold a number while postings are sorted. A few different terms become equal, which costs a
    comparison.
    """
    values = values.astype(np.uint64)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: Terms = (values ^ (values >> np.uint64(31))) & ~LOW
    return found


LOW = np.uint64((1 << 24) - 1)
"""The bits of a mixed term that are 0."""


def postings(terms: Terms, numbers: Numbers) -> Postings:
    """Postings of mixed terms in any order, without duplicates. Numbers must be less than 2 ** 24."""
    both = np.sort(terms | numbers.astype(np.uint64))
    first = np.ones(len(both), bool)
    first[1:] = both[1:] != both[:-1]
    both = both[first]
    return Postings(both & ~LOW, (both & LOW).astype(np.uint32))


def pieces(runs: Sequence[Postings], bits: int) -> Iterator[Postings]:
    """Merge several runs; yields all postings in pieces by the first `bits` bits of their terms."""
    for number in range(1 << bits):
        first, end = number << (_BITS - bits), (number + 1) << (_BITS - bits)
        yield merged([run.part(first, end) for run in runs])


def merged(runs: Sequence[Postings]) -> Postings:
    """Merge several runs in memory. The numbers of each run are higher than those of the one before."""
    terms = np.concatenate([run.terms for run in runs])
    order = np.argsort(terms, kind="stable")
    return Postings(terms[order], np.concatenate([run.numbers for run in runs])[order])


def bits_for(count: int) -> int:
    """The number of bits by which this many postings are divided into pieces."""
    return max(0, (count // PIECE).bit_length())


def write(file: Path, parts: Iterator[Postings], count: int) -> None:
    """Write postings, `count` in all, to a file."""
    if not count:
        file.write_bytes(b"")
        return
    data = np.memmap(file, np.uint8, "w+", shape=(count * SIZE,))
    terms, numbers = data[: count * 8].view("<u8"), data[count * 8 :].view("<u4")
    done = 0
    for part in parts:
        terms[done : done + len(part)], numbers[done : done + len(part)] = part.terms, part.numbers
        done += len(part)


def read(file: Path) -> Postings:
    """The postings in a file, which are read on access. Raises ValueError for another file format."""
    size = file.stat().st_size
    if size % SIZE:
        raise ValueError(f"{size} bytes are not a multiple of {SIZE}, the size of a posting")
    if not size:
        return Postings(np.zeros(0, np.uint64), np.zeros(0, np.uint32))
    data = np.asarray(np.memmap(file, np.uint8, "r"))
    count = size // SIZE
    return Postings(data[: count * 8].view("<u8"), data[count * 8 :].view("<u4"))
