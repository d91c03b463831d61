"""The sampler of data sets in tars: the order of an epoch, the share of a rank, and where it continues."""

import tracemalloc
from itertools import accumulate, islice

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reelmill_stages.datasets.resumable_sampler import Order

COUNTS = st.lists(st.integers(0, 7), max_size=9)


def whole_epoch(counts: list[int], shuffle: bool, seed: int, epoch: int, window: int) -> list[int]:
    """All samples in the order of an epoch, by the rule: tars first, then the samples of each few of them."""
    if not shuffle:
        return list(range(sum(counts)))
    starts = [0, *accumulate(counts)]
    chance = np.random.default_rng([seed, epoch])
    tars = chance.permutation(len(counts))
    order: list[int] = []
    for place in range(0, len(tars), window):
        few = [number for tar in tars[place : place + window] for number in range(starts[tar], starts[tar + 1])]
        order += chance.permutation(np.array(few, np.int64)).tolist()
    return order


@given(COUNTS, st.booleans(), st.integers(0, 5), st.integers(1, 4), st.integers(1, 12), st.data())
def test_a_rank_gets_its_share_of_the_epoch_from_where_it_stopped(
    counts: list[int], shuffle: bool, seed: int, window: int, world: int, data: st.DataObject
) -> None:
    rank = data.draw(st.integers(0, world - 1))
    order = Order(counts, shuffle=shuffle, seed=seed, window=window, rank=rank, world=world)
    for epoch in range(2):
        whole = whole_epoch(counts, shuffle, seed, epoch, window)
        padded = whole + [whole[place % len(whole)] for place in range(-len(whole) % world)] if whole else []
        expected = padded[rank::world]
        assert len(order) == len(expected)
        assert list(order) == expected
        consumed = data.draw(st.integers(0, len(expected)))
        again = Order(counts, shuffle=shuffle, seed=seed, window=window, rank=rank, world=world)
        again.load_state_dict(order.state_dict(epoch, consumed))
        assert list(again) == expected[consumed:]


def test_the_order_of_a_seed_never_changes() -> None:
    """States of trainings that were saved by earlier versions continue in the same order."""
    assert list(Order([3, 4, 2], seed=7, window=2)) == [0, 1, 7, 2, 8, 5, 3, 6, 4]


def test_an_epoch_begins_without_an_index_of_all_samples_in_memory() -> None:
    counts = [1000] * 10_000
    tracemalloc.start()
    first = list(islice(Order(counts, seed=1), 1000))
    assert len(set(first)) == 1000
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
