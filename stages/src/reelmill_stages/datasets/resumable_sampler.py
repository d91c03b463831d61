"""A sampler for data sets in tars: shuffling, distribution over ranks, and exact resumption.

The order depends only on the seed and the epoch, not on the number of workers. Tars are shuffled first, then the
samples of a few consecutive tars, so that reads from a bucket stay within a few tars. Only the indexes of these few are
in memory, regardless of the size of the data set.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

Indexes = np.ndarray[Any, np.dtype[np.int64]]


class Order:
    """A sampler for `torch.utils.data.DataLoader`: `DataLoader(data, sampler=Order(data.tars.counts, seed=7), …)`.

    `counts` are the numbers of samples of the tars, `window` is the number of tars whose samples are shuffled together.
    Rank `rank` of `world` gets every world-th sample; all ranks get the same number, so that up to world - 1 samples
    from the beginning of an epoch occur twice. Raises ValueError for a rank outside [0, world).
    """

    def __init__(
        self,
        counts: Sequence[int],
        *,
        shuffle: bool = True,
        seed: int = 0,
        window: int = 8,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if not 0 <= rank < world:
            raise ValueError(f"rank {rank} of {world}")
        self._counts = list(counts)
        self._shuffle, self._seed, self._window = shuffle, seed, window
        self._rank, self._world = rank, world
        self._epoch = self._consumed = 0

    def __len__(self) -> int:
        """Return the number of remaining samples of this rank in the current epoch."""
        return -(-sum(self._counts) // self._world) - self._consumed

    def __iter__(self) -> Iterator[int]:
        """Yield the indexes of the remaining samples of the epoch; the next call yields the next epoch."""
        epoch, consumed = self._epoch, self._consumed
        self._epoch, self._consumed = epoch + 1, 0
        for part in self._samples_of_rank(epoch):
            yield from part[consumed:].tolist()
            consumed = max(consumed - len(part), 0)

    def state_dict(self, epoch: int, consumed: int) -> dict[str, Any]:
        """Return the state for a checkpoint: the epoch, and the number of samples of this rank already used in it.

        The caller must pass `consumed`, which is steps times batch size, because a loader prefetches samples.
        """
        return {"epoch": epoch, "consumed": consumed, "seed": self._seed, "samples": sum(self._counts)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from a saved state. Raises ValueError if seed or number of samples differ."""
        if (state["seed"], state["samples"]) != (self._seed, sum(self._counts)):
            raise ValueError("the state has another seed, or the data set has changed since it was saved")
        self._epoch, self._consumed = int(state["epoch"]), int(state["consumed"])

    def _samples_of_rank(self, epoch: int) -> Iterator[Indexes]:
        """Yield the samples of this rank, in parts: int64 (any,)."""
        first: list[int] = []
        count = 0
        for part in self._windows(epoch):
            if len(first) < self._world:
                first += part[: self._world].tolist()
            yield part[(self._rank - count) % self._world :: self._world]
            count += len(part)
        again = [first[place % count] for place in range(-count % self._world)] if count else []
        yield np.array(again, np.int64)[(self._rank - count) % self._world :: self._world]

    def _windows(self, epoch: int) -> Iterator[Indexes]:
        """Yield the order of the samples of all ranks, in parts: int64 (any,)."""
        chance = np.random.default_rng([self._seed, epoch])
        starts = [0, *accumulate(self._counts)]
        tars = chance.permutation(len(self._counts)).tolist() if self._shuffle else range(len(self._counts))
        for place in range(0, len(tars), self._window):
            part = np.concatenate(
                [np.arange(starts[tar], starts[tar + 1]) for tar in tars[place : place + self._window]]
            )
            yield chance.permutation(part) if self._shuffle else part
