"""Laws of cutting: every frame once, with what the model must see of its neighbours; every input in one batch."""

from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.records.rows import Item
from reelmill_stages.stage import Done, Input, Kept
from reelmill_stages.stages.embed.batches import batches
from reelmill_stages.stages.embed.towers.frames import middles
from reelmill_stages.stages.embed.windows import windows


@given(st.integers(1, 400), st.integers(2, 4), st.integers(1, 60))
def test_windows_give_every_frame_once_and_see_its_neighbours(length: int, halo: int, room: int) -> None:
    window = 2 * halo + room
    found = list(windows(length, window, halo))
    frames = [one.first + one.drop + at for one in found for at in range(one.keep)]
    assert frames == list(range(length))
    for one in found:
        assert one.end - one.first <= window
        for frame in (one.first + one.drop, one.first + one.drop + one.keep - 1):
            assert one.first <= max(0, frame - halo)
            assert min(length, frame + halo + 1) <= one.end


def kept(numbers: list[int]) -> list[Kept]:
    return [Kept(Input(Item(str(number), number, "", 1.0), number), Done()) for number in numbers]


@given(st.sets(st.integers(0, 99)), st.integers(1, 16))
def test_what_failed_leaves_its_place_empty_and_moves_no_other_input(there: set[int], size: int) -> None:
    found = [[one.input.number for one in batch] for batch in batches(kept(sorted(there)), size, 0)]
    assert [number for batch in found for number in batch] == sorted(there)
    assert all(batch and len({number // size for number in batch}) == 1 for batch in found)


def test_batches_do_not_depend_on_where_a_shard_begins() -> None:
    whole = [[one.input.number for one in batch] for batch in batches(kept(list(range(12))), 4, 0)]
    parts = [
        [one.input.number for one in batch]
        for first in (0, 8)
        for batch in batches(kept(list(range(first, first + (8 if not first else 4)))), 4, first)
    ]
    assert whole == parts


@given(st.integers(1, 500), st.integers(1, 64))
def test_the_frames_of_a_video_are_the_middles_of_equal_parts(frames: int, count: int) -> None:
    found = middles(frames, count)
    assert len(found) == min(frames, count) or frames < 2 * count
    assert found == sorted(set(found))
    assert found[0] >= 0
    assert found[-1] < frames
