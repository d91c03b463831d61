"""Where a pass is cut into shards."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelmill_stages.runtime.open.sharding import MAX_SHARDS, ItemSequence, auto_count, cut


def row(weights: list[float], groups: list[int] | None = None) -> ItemSequence:
    made = ItemSequence()
    for place, weight in enumerate(weights):
        starts = groups is None or place == 0 or groups[place] != groups[place - 1]
        made.append(weight, starts=starts, is_bytes=False)
    return made


ITEMS = st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 3)), max_size=200)


@settings(deadline=None)
@given(ITEMS, st.integers(1, 50))
def test_every_item_is_in_exactly_one_shard_and_no_group_in_two(items: list[tuple[float, int]], parts: int) -> None:
    weights, groups = [weight for weight, _ in items], [group for _, group in items]
    bounds = cut(row(weights, groups), parts)
    assert [place for first, end in bounds for place in range(first, end)] == list(range(len(items)))
    assert len(bounds) <= parts
    assert all(end > first for first, end in bounds)
    assert all(groups[first] != groups[first - 1] for first, _ in bounds[1:])


@settings(deadline=None)
@given(ITEMS, st.integers(1, 50), st.integers(2, 20))
def test_shards_are_cut_at_multiples_of_the_batch(items: list[tuple[float, int]], parts: int, batch: int) -> None:
    bounds = cut(row([weight for weight, _ in items], [group for _, group in items]), parts, batch=batch)
    assert [place for first, end in bounds for place in range(first, end)] == list(range(len(items)))
    assert all(first % batch == 0 for first, _ in bounds)


def test_shards_are_balanced_by_weight() -> None:
    assert cut(row([1, 1, 1, 1, 4, 4]), 3) == [(0, 4), (4, 5), (5, 6)]
    assert cut(row([1.0] * 10), 2) == [(0, 5), (5, 10)]


@pytest.mark.parametrize(
    ("groups", "bounds"),
    [
        ([0] * 12, [(0, 6), (6, 12)]),
        ([0] * 3 + [1] * 9, [(0, 3), (3, 12)]),
        ([0] * 2 + [1] * 10, [(0, 6), (6, 12)]),
    ],
)
def test_a_batch_takes_precedence_over_a_group_only_where_they_conflict(
    groups: list[int], bounds: list[tuple[int, int]]
) -> None:
    assert cut(row([1.0] * 12, groups), 2, batch=3) == bounds


def test_a_group_as_large_as_everything_is_one_shard() -> None:
    assert cut(row([1.0] * 12, [0] * 12), 4) == [(0, 12)]


def test_small_work_is_one_shard_and_large_work_is_bounded() -> None:
    assert auto_count(row([10.0] * 20), pace=0.1, workers=1) == 1
    assert auto_count(row([3600.0] * 100), pace=0.1, workers=4) == 11
    assert auto_count(row([1e9]), pace=0.1, workers=1) == MAX_SHARDS
