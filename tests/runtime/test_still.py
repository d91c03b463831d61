"""The frame that is shown of an item: of the middle half, and the one for which least is decoded."""

from hypothesis import given
from hypothesis import strategies as st

from reelmill_stages.runtime.preview_frames.still import still


def starts_of(keys: list[bool]) -> list[int | None]:
    """Of packets that are shown as they lie, of which the first is a key."""
    found = 0
    return [found := place if key else found for place, key in enumerate([True, *keys[1:]])]


def test_a_key_frame_near_the_middle_is_shown() -> None:
    keys = [place % 25 == 0 for place in range(100)]
    assert still(range(100), starts_of(keys)) == 50
    assert still(range(100), starts_of([place in (0, 60) for place in range(100)])) == 60


def test_the_middle_frame_is_shown_where_all_cost_the_same() -> None:
    assert still(range(9), starts_of([True] * 9)) == 4
    assert still(range(1), [0]) == 0
    assert still(range(4), [None] * 4) == 2


def test_without_a_key_in_the_middle_half_as_little_as_possible_is_decoded() -> None:
    assert still(range(250), starts_of([True] + [False] * 249)) == 62


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.data())
def test_the_shown_frame_is_a_cheapest_one_in_the_middle_half(keys: list[bool], data: st.DataObject) -> None:
    starts = starts_of(keys)
    numbers = data.draw(st.permutations(range(len(keys))))[: data.draw(st.integers(1, len(keys)))]
    place = still(numbers, starts)
    half = range(len(numbers) // 4, max(len(numbers) - len(numbers) // 4, 1))
    costs = [numbers[each] - (starts[numbers[each]] or 0) for each in half]
    assert place in half
    assert numbers[place] - (starts[numbers[place]] or 0) == min(costs)
