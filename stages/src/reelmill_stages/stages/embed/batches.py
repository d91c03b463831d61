"""Batches of inputs, at multiples of the batch size, so that they do not depend on the division into shards."""

from collections.abc import Iterable, Iterator

from reelmill_stages.stage import Kept


def batches(kept: Iterable[Kept], size: int, first: int) -> Iterator[list[Kept]]:
    """Non-empty batches of up to `size` inputs, by their numbers relative to `first`; failed inputs are missing."""
    batch: list[Kept] = []
    place = 0
    for one in kept:
        here = (one.input.number - first) // size
        if batch and here != place:
            yield batch
            batch = []
        batch.append(one)
        place = here
    if batch:
        yield batch
