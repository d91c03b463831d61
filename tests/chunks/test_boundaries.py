from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reelmill_stages.stages.chunk.boundaries import boundaries
from reelmill_stages.stages.chunk.segments import FRONT, segments

TOTALS = st.integers(1, 3000)
LIMITS = st.integers(1, 400)


def lengths(total: int, limit: int | None, overlap: int = 0) -> list[int]:
    return [len(chunk) for chunk in boundaries(total, limit, overlap)]


def test_002_f01_without_a_limit_a_video_is_one_chunk_and_5000_frames_at_1000_are_five() -> None:
    assert lengths(5000, None) == [5000]
    assert lengths(5000, 1000) == [1000] * 5


def test_002_f02_3500_frames_at_1000_end_with_a_tail_of_500() -> None:
    assert lengths(3500, 1000) == [1000, 1000, 1000, 500]


def test_d19_ten_videos_of_3000_frames_at_2000_are_twenty_chunks_not_fifteen() -> None:
    assert sum(len(boundaries(3000, 2000)) for _ in range(10)) == 20


@given(TOTALS, LIMITS)
def test_002_f02_chunks_tile_a_range_exactly_and_only_the_last_one_is_short(total: int, limit: int) -> None:
    chunks = boundaries(total, limit)
    assert [frame for chunk in chunks for frame in chunk] == list(range(total))
    assert all(len(chunk) == limit for chunk in chunks[:-1])
    assert len(chunks) == -(-total // limit)


@given(TOTALS, LIMITS, st.data())
def test_002_f15_neighbours_share_exactly_the_overlap_and_nothing_is_left_out(
    total: int, limit: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, limit - 1))
    chunks = boundaries(total, limit, overlap)
    assert {frame for chunk in chunks for frame in chunk} == set(range(total))
    assert all(len(chunk) == limit for chunk in chunks[:-1])
    assert all(before.stop - after.start == overlap for before, after in pairwise(chunks))
    assert chunks[-1].stop == total
    assert all(chunk.stop < total for chunk in chunks[:-1])


def test_002_f08_labels_are_shifted_to_the_chunk_cut_at_its_edges_and_in_both_chunks_they_cross() -> None:
    actions = [(0, 900, "left"), (950, 1200, "up"), (2500, 2600, "down")]
    assert segments(actions, range(1000), fill=False) == [(0, 900, "left"), (950, 1000, "up")]
    assert segments(actions, range(1000, 2000), fill=False) == [(0, 200, "up")]


def test_d17_the_second_chunk_does_not_get_the_labels_of_the_first() -> None:
    actions = [(0, 1000, "left"), (1000, 2000, "right")]
    assert segments(actions, range(1000, 2000), fill=True) == [(0, 1000, "right")]


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 200)).map(lambda pair: (pair[0], sum(pair), "up"))),
    st.integers(0, 600),
    st.integers(1, 200),
)
def test_every_frame_of_a_chunk_keeps_the_labels_that_it_has_in_the_video(
    actions: list[tuple[int, int, str]], start: int, length: int
) -> None:
    found = segments(actions, range(start, start + length), fill=True)
    for frame in range(length):
        wanted = sum(first <= start + frame < after for first, after, _ in actions)
        labels = [label for first, after, label in found if first <= frame < after]
        assert labels == (["up"] * wanted or [FRONT])
