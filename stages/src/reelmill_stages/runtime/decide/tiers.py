"""Selection of the indexes of earlier passes that are in use, and of those that a pass merges into its own.

Growth by small passes would leave one index each, and every pass searches all of them. As in a log-structured merge
tree, the last indexes are merged if none of them is larger than the others together. An input is rewritten only into an
index of at least twice the size, so it is rewritten at most log2 of the size of the data set times.
"""

from collections.abc import Iterable, Sequence

from reelmill.contract.records.segment import Segment

LEAST = 4
"""Minimum number of indexes that are merged."""


def live_segments(segments: Iterable[Segment]) -> list[Segment]:
    """The segments whose indexes together contain each kept input once, in order."""
    found: list[Segment] = []
    for segment in segments:
        if segment.kept is None:
            continue
        if segment.kept.since:
            found = [one for one in found if one.segment < segment.kept.since]
        if segment.kept.count:
            found.append(segment)
    return found


def count_to_merge(counts: Sequence[int]) -> int:
    """The number of last indexes that the next pass merges into its own; `counts` are their numbers of inputs."""
    for number in range(len(counts), LEAST - 1, -1):
        last = counts[len(counts) - number :]
        if 2 * max(last) <= sum(last):
            return number
    return 0
