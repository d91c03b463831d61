"""Which documents go into one pack. Pure functions of lengths.

The length of a pack counts the beginning (one token) of its first document only: the others lose theirs. A document of
`limit` tokens or more is in no pack; every other one is in exactly one.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PackedDocuments:
    """Documents by their place, in order.

    `closed_by` is the place of the document that did not fit any more; for the last pack, one past the last document.
    """

    documents: tuple[int, ...]
    closed_by: int


def length(documents: Sequence[int], lengths: Sequence[int]) -> int:
    """Tokens of a pack."""
    return sum(lengths[one] for one in documents) - len(documents) + 1


def greedy(lengths: Sequence[int], limit: int) -> list[PackedDocuments]:
    """In order, as the original. A pack is closed when its documents and the next one, each with its beginning, would
    be more than `limit`; a document that is too long closes the pack before it, too. The last pack stays.
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
    """The longest first, each where it leaves the least room, else into a new pack; all packs are shorter than `limit`.

    Packs, and the documents in each, stand in the order of their first documents.
    """
    room: list[tuple[int, int]] = []  # (tokens left, pack), ascending
    packs: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda one: (-lengths[one], one)):
        size = lengths[place]
        if size >= limit:
            continue
        # A second document loses its beginning.
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
