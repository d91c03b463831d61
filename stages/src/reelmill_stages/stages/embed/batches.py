"""Inputs of one forward pass: cut at multiples of the batch size, so that no batch depends on how a pass was cut."""

from collections.abc import Iterable, Iterator

from reelmill_stages.stage import Kept


def batches(kept: Iterable[Kept], size: int, first: int) -> Iterator[list[Kept]]:
    """Up to `size` inputs whose numbers, counted from `first`, lie in one stretch of that length; none is empty.

    What failed before leaves its place empty.
    """
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
