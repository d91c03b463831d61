"""Assignment of documents to packs. Pure functions of lengths in tokens.

Only the first document of a pack keeps its initial token. A document of `limit` tokens or more is in no pack; every
other one is in exactly one.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PackedDocuments:
    """The indexes of documents in a pack, in order.

    `closed_by` is the index of the first document that did not fit; for the last pack, the number of documents.
    """

    documents: tuple[int, ...]
    closed_by: int


def length(documents: Sequence[int], lengths: Sequence[int]) -> int:
    """Number of tokens of a pack."""
    return sum(lengths[one] for one in documents) - len(documents) + 1


def greedy(lengths: Sequence[int], limit: int) -> list[PackedDocuments]:
    """Pack documents in order, as in the original.

    A pack is closed if its documents and the next one, all with their initial tokens, exceed `limit`, and by a document
    that is too long. The last pack is kept.
    """
    packs: list[PackedDocuments] = []
    open_: list[int] = []
    total = 0
    for place, size in enumerate(lengths):
        if open_ and total + size > limit:
            packs.append(PackedDocuments(tuple(open_), place))
            open_, total = [], 0
        if size < limit:
            open_.append(place)
            total += size
    if open_:
        packs.append(PackedDocuments(tuple(open_), len(lengths)))
    return packs


def best_fit(lengths: Sequence[int], limit: int) -> list[PackedDocuments]:
    """Pack documents, the longest first, into the pack with the least remaining space, or into a new one.

    All packs are shorter than `limit`. Packs are sorted by their first documents, and documents by their indexes.
    """
    room: list[tuple[int, int]] = []  # (tokens left, pack), ascending
    packs: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda one: (-lengths[one], one)):
        size = lengths[place]
        if size >= limit:
            continue
        # A document that is not the first loses its initial token.
        at = bisect_left(room, (size - 1, -1))
        if at < len(room):
            left, pack = room.pop(at)
            packs[pack].append(place)
            insort(room, (left - size + 1, pack))
        else:
            packs.append([place])
            insort(room, (limit - 1 - size, len(packs) - 1))
    ordered = sorted(tuple(sorted(pack)) for pack in packs)
    return [PackedDocuments(documents, len(lengths)) for documents in ordered]
