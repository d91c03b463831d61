"""Which frames the samplers take: pure arithmetic."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from reelmill_stages.stages.pack.samplers.kf import chosen, position, thinned
from reelmill_stages.stages.pack.samplers.un import segment_middles, strided

FRAMES = st.integers(1, 20_000)


@given(st.integers(2, 20_000), st.integers(1, 60))
def test_001_p4_the_first_version_of_un_takes_11_or_12_frames_or_one_a_second_and_never_the_last(
    frames: int, rate: int
) -> None:
    found = strided(frames, rate)
    assert frames - 1 not in found
    assert found[0] == 0
    if frames < 12 * rate:
        assert found == list(range(0, frames - 1, rate))
    elif frames > 150:
        assert len(found) in (11, 12)


def test_001_p4_un_takes_the_positions_that_its_formula_says() -> None:
    step = 299 / 16
    assert segment_middles(300, 16) == [int(step / 2 + round(step * place)) for place in range(16)]
    assert segment_middles(300, 16)[0] == 9
    assert segment_middles(300, 16)[-1] == 289


@given(FRAMES, st.integers(1, 64))
def test_un_always_gives_so_many_positions_inside_the_video_in_order(frames: int, count: int) -> None:
    found = segment_middles(frames, count)
    assert len(found) == count
    assert found == sorted(found)
    assert 0 <= found[0] <= found[-1] <= frames - 1
    if frames > 2 * count:
        assert len(set(found)) == count


@given(st.lists(st.integers(0, 10_000), unique=True).map(sorted), st.integers(1, 64))
def test_d15_thinning_spreads_over_the_whole_list(places: list[int], count: int) -> None:
    found = thinned(places, count)
    assert found == sorted(set(found))
    assert len(found) == min(count, len(places))
    if len(places) > count > 1:
        ranks = [places.index(place) for place in found]
        gaps = [after - before for before, after in itertools.pairwise(ranks)]
        assert ranks[0] == 0
        assert ranks[-1] == len(places) - 1
        assert max(gaps) - min(gaps) <= 1


def test_d15_frames_do_not_cluster_at_the_start() -> None:
    # int() of the interval 1.53 took the first 24 of 36 in the original.
    assert thinned(range(36), 24)[-1] == 35


@given(FRAMES, st.data())
def test_kf_takes_each_frame_once_in_time_order_and_never_too_many(frames: int, data: st.DataObject) -> None:
    keys = data.draw(st.lists(st.integers(0, frames - 1), unique=True, max_size=200))
    taken = chosen(frames, keys, 24, 8)
    places = [place for place, _ in taken]
    assert places == sorted(set(places))
    assert len(taken) <= 24
    assert len(taken) == min(24, frames) or len(taken) == min(8, len({*keys, frames - 1})) + max(
        0, frames - len({*keys, frames - 1})
    )
    assert sum(kind == "I" for _, kind in taken) == min(8, len({*keys, frames - 1}))
    assert all((kind == "I") == (place in keys or place == frames - 1) for place, kind in taken)
    assert places[-1] == frames - 1


@given(FRAMES)
def test_positions_run_from_0_to_1000(frames: int) -> None:
    assert position(0, frames) == 0
    assert position(frames - 1, frames) == (1000 if frames > 1 else 0)
