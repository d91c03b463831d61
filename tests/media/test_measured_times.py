"""Times of frames that a full decode counted: they rise, and what was told is kept."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reelmill_stages.media.timeline.full_decode import rising

TICKS = st.lists(st.one_of(st.none(), st.integers(0, 10**6)), min_size=1, max_size=40)


@given(TICKS, st.integers(1, 5000))
def test_times_rise_whatever_the_container_says(times: list[int | None], usual: int) -> None:
    made = rising(times, usual)
    assert len(made) == len(times)
    assert all(before < after for before, after in pairwise(made))


@given(st.sets(st.integers(0, 10**6), min_size=1, max_size=40), st.randoms())
def test_times_that_the_container_has_for_all_packets_are_kept(ticks: set[int], chance: object) -> None:
    times = list(ticks)
    chance.shuffle(times)  # type: ignore[attr-defined]
    assert rising(times, 1) == tuple(sorted(ticks))


def test_missing_times_are_between_those_of_their_neighbours() -> None:
    assert rising([0, None, 200, None], 7) == (0, 100, 200, 300)
    assert rising([None, 100, None, None, 400], 7) == (0, 100, 200, 300, 400)
    assert rising([None, None], 7) == (0, 7)
    assert rising([5, 5, 25], 7) == (5, 15, 25)
