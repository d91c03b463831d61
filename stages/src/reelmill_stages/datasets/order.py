"""In which order samples are read: shuffled, shared between ranks, and taken up again where training stopped.

The order is a function of the seed and the epoch alone, made in the loader's own process, so it does not depend on how
many workers there are, and resuming is exact: say how many samples were trained on. Tars are shuffled, then the samples
of a few neighbouring ones: random enough to train on, and a bucket is still read tar by tar.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import numpy as np


class Order:
    """A sampler for `torch.utils.data.DataLoader`: `DataLoader(data, sampler=Order(data.tars.counts, seed=7), …)`.

    `window` tars are mixed at a time. Of `world` ranks, `rank` gets every world-th sample; all get equally many, so up
    to world - 1 samples of an epoch come twice, from its beginning.
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
        """Samples that this rank still gets in this epoch."""
        return -(-sum(self._counts) // self._world) - self._consumed

    def __iter__(self) -> Iterator[int]:
        """The rest of the epoch; the next time, the next epoch from its beginning."""
        mine = self._mine()[self._consumed :]
        self._epoch, self._consumed = self._epoch + 1, 0
        yield from mine

    def state_dict(self, epoch: int, consumed: int) -> dict[str, Any]:
        """What to keep in a checkpoint: the epoch, and how many of this rank's samples were trained on in it.

        That is steps times batch size; a loader reads ahead, so the sampler cannot know.
        """
        return {"epoch": epoch, "consumed": consumed, "seed": self._seed, "samples": sum(self._counts)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on there. Raises ValueError for the state of another order."""
        if (state["seed"], state["samples"]) != (self._seed, sum(self._counts)):
            raise ValueError("this is the state of another seed, or of a data set that has grown since")
        self._epoch, self._consumed = int(state["epoch"]), int(state["consumed"])

    def _mine(self) -> list[int]:
        whole = self._shuffled() if self._shuffle else list(range(sum(self._counts)))
        if not whole:
            return []
        whole += [whole[place % len(whole)] for place in range(-len(whole) % self._world)]
        return whole[self._rank :: self._world]

    def _shuffled(self) -> list[int]:
        chance = np.random.default_rng([self._seed, self._epoch])
        starts = [0, *accumulate(self._counts)]
        tars = chance.permutation(len(self._counts)).tolist()
        order: list[int] = []
        for place in range(0, len(tars), self._window):
            some = [np.arange(starts[tar], starts[tar + 1]) for tar in tars[place : place + self._window]]
            order += chance.permutation(np.concatenate(some)).tolist()
        return order
