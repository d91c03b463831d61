"""Which indexes of earlier passes hold what was kept, and which of them a pass takes into its own.

Growth by small passes would leave an index each, and every pass looks into all of them. As in a log-structured merge
tree, the last ones are merged where none of them is larger than the others together: an input is written again only
into an index of at least twice the size, and so many times at most as the size of the data set has bits.
"""

from collections.abc import Iterable, Sequence

from reelmill.contract.records.segment import Segment

LEAST = 4
"""Number of indexes that are merged, at least."""


def live(segments: Iterable[Segment]) -> list[Segment]:
    """The segments whose indexes hold, together, each kept input once, in order."""
    found: list[Segment] = []
    for segment in segments:
        if segment.kept is None:
            continue
        if segment.kept.since:
            found = [one for one in found if one.segment < segment.kept.since]
        if segment.kept.count:
            found.append(segment)
    return found


def merged(counts: Sequence[int]) -> int:
    """How many of the last indexes, with so many inputs each, the next pass takes into its own."""
    for number in range(len(counts), LEAST - 1, -1):
        last = counts[len(counts) - number :]
        if 2 * max(last) <= sum(last):
            return number
    return 0
