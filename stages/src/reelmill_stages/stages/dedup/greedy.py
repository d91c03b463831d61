"""Decides in order: an item is kept unless it matches an item that was kept before; the verdict names the first match.

Only pairs that share a term are compared. Pairs with items that are kept already come first. Of the other inputs, those
that share a term are paired. If there are very many pairs, as with thousands of copies of one video, only the first
inputs are decided, and the next call finds the copies through the kept one. The verdicts are the same.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from reelmill.contract.reasons import ItemReason
from reelmill_stages.stage import Filtered, KeptSignatures, Signed
from reelmill_stages.stages.dedup.rule import DuplicateRule, Match

Array = np.ndarray[Any, np.dtype[Any]]

PAIRS = 1 << 20
"""Maximum number of pairs among the inputs of one call."""
_PARSED = 4096
"""Number of parsed signatures that are kept in memory."""
_READ = 1 << 15
"""Number of kept items that are read ahead."""


def decide(
    rule: DuplicateRule, given: Sequence[Signed], kept: KeptSignatures, *, pairs_at_once: int = PAIRS
) -> list[Filtered | None]:
    """Return verdicts about the first inputs, at least one."""
    parsed = lru_cache(maxsize=_PARSED)(lambda place: rule.parse(given[place].data))
    values, owners = rule.terms([one.data for one in given])
    verdicts: list[Filtered | None] = [None] * len(given)
    places, numbers = kept.find(values)
    # Sorted like the store, because lookups in the order of the inputs access it randomly.
    # A set, because numpy.unique imports numpy.ma, which takes longer than deciding a small pass.
    rows = {number: kept.get(number) for number in sorted(set(numbers.tolist()))[:_READ]}
    stored = lru_cache(maxsize=_PARSED)(lambda number: rule.parse((rows.get(number) or kept.get(number)).data))
    for place, candidates in _grouped_by_first(_unique_pairs(owners[places], numbers)):
        found = _first_match(rule, parsed(place), candidates, stored)
        if found is not None:
            number, match = found
            verdicts[place] = _filtered(rule, (rows.get(number) or kept.get(number)).key, match)
    open_ = np.array([verdict is None for verdict in verdicts])
    rest = open_[owners]
    values, owners = values[rest], owners[rest]
    rest = _may_be_repeated(values)
    values, owners = values[rest], owners[rest]
    order = np.argsort(values)
    values, owners = values[order], owners[order]
    end = _batch_end(values, owners, len(given), pairs_at_once)
    if end < len(given):
        values, owners = values[owners < end], owners[owners < end]
    for place, candidates in _grouped_by_first(_unique_pairs(*_sharing_pairs(values, owners))):
        earlier = [other for other in candidates if verdicts[other] is None]
        found = _first_match(rule, parsed(place), earlier, parsed)
        if found is not None:
            other, match = found
            verdicts[place] = _filtered(rule, given[other].key, match)
    return verdicts[:end]


def _first_match(
    rule: DuplicateRule, one: Any, candidates: Sequence[int], other: Callable[[int], Any]
) -> tuple[int, Match] | None:
    for number in candidates:
        if match := rule.match(one, other(number)):
            return number, match
    return None


def _filtered(rule: DuplicateRule, key: str, match: Match) -> Filtered:
    unit = f" {rule.unit}" if rule.unit else ""
    note = f"; {match.note}" if match.note else ""
    return Filtered(ItemReason.DUPLICATE, f"of {key}, distance {match.distance:.4g}{unit}{note}")


def _unique_pairs(first: Array, second: Array) -> Array:
    """Pairs (n, 2), each once, sorted."""
    if not len(first):
        return np.zeros((0, 2), np.int64)
    order = np.lexsort((second, first))
    pairs = np.stack([first[order], second[order]], axis=1)
    fresh = np.ones(len(pairs), bool)
    fresh[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    found: Array = pairs[fresh]
    return found


def _grouped_by_first(pairs: Array) -> list[tuple[int, list[int]]]:
    """Group the second members of sorted pairs by the first ones."""
    if not len(pairs):
        return []
    starts = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1))
    edges, seconds = [*starts.tolist(), len(pairs)], pairs[:, 1].tolist()
    groups = zip(pairs[starts, 0].tolist(), pairwise(edges), strict=True)
    return [(first, seconds[begin:end]) for first, (begin, end) in groups]


def _may_be_repeated(values: Array) -> Array:
    """Return which values may be duplicates: all duplicates, and about a third of the others."""
    bits = len(values).bit_length() + 1
    cells = (values * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(64 - bits)).astype(np.int64)
    found: Array = np.bincount(cells, minlength=1 << bits)[cells] > 1
    return found


def _preceding_equals(values: Array) -> Array:
    """Return for each of sorted values how many equal ones precede it."""
    if not len(values):
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    lengths = np.diff(np.append(starts, len(values)))
    found: Array = np.arange(len(values)) - np.repeat(starts, lengths)
    return found


def _batch_end(values: Array, owners: Array, end: int, most: int) -> int:
    """Return up to which input there are few enough pairs."""
    while end > 1:
        below = owners < end
        if int(_preceding_equals(values[below]).sum()) <= most:
            break
        end = (end + 1) // 2
    return end


def _sharing_pairs(values: Array, owners: Array) -> tuple[Array, Array]:
    """Return (later, earlier) inputs that share a value; both arrays are sorted by value."""
    before = _preceding_equals(values)
    rows = np.repeat(np.arange(len(values)), before)
    ends = np.cumsum(before)
    steps = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - before, before)
    one, other = owners[rows], owners[rows - 1 - steps]
    later, earlier = np.maximum(one, other), np.minimum(one, other)
    different = later != earlier
    return later[different], earlier[different]
