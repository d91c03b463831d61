"""Plans and timelines as pure functions, and a timeline's arithmetic on real files."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import footage
from reelmill_stages.media.bitstream.vpx import vp8_hidden, vp9_hidden
from reelmill_stages.media.timeline.decode_plan import Run, first_tick_at, runs, start_keys
from reelmill_stages.media.timeline.timeline import read_timeline

CLOSED = [0, 4, 2, 1, 3, 5, 9, 7, 6, 8]
OPEN = [0, 2, 1, 5, 3, 4, 7, 6]


def keys(count: int, *at: int) -> list[bool]:
    return [number in at for number in range(count)]


@pytest.mark.parametrize(
    ("pts", "key", "expected"),
    [
        (CLOSED, keys(10, 0, 5), [0, 0, 0, 0, 0, 5, 5, 5, 5, 5]),
        (OPEN, keys(8, 0, 3), [0, 0, 0, 3, 0, 0, 3, 3]),
        ([2, 0, 1, 3], keys(4, 0), [0, None, None, 0]),
        ([0, 1, 2], keys(3, 1), [None, 1, 1]),
        ([0, 1, 2], keys(3), [None, None, None]),
    ],
)
def test_a_frame_starts_at_the_last_key_shown_before_it(
    pts: list[int], key: list[bool], expected: list[int | None]
) -> None:
    assert start_keys(pts, key) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([], []),
        ([0], [Run(0, 0, frozenset({0}))]),
        ([2, 7], [Run(0, 2, frozenset({2})), Run(5, 7, frozenset({7}))]),
        ([4, 7], [Run(0, 7, frozenset({4, 7}))]),
        ([7, 2, 7, 9], [Run(0, 2, frozenset({2})), Run(5, 9, frozenset({7, 9}))]),
    ],
)
def test_runs_leave_out_what_no_wanted_frame_needs(wanted: list[int], expected: list[Run]) -> None:
    assert runs(wanted, start_keys(CLOSED, keys(10, 0, 5))) == expected


def test_leading_frames_of_an_open_gop_need_the_gop_before() -> None:
    starts = start_keys(OPEN, keys(8, 0, 3))
    assert runs([5], starts) == [Run(0, 5, frozenset({5}))]
    assert runs([6], starts) == [Run(3, 6, frozenset({6}))]


def test_a_frame_without_a_key_cannot_be_planned() -> None:
    with pytest.raises(ValueError, match="no key"):
        runs([0], [None])


@given(st.sets(st.integers(0, 99), max_size=8), st.sets(st.integers(1, 99), max_size=8))
def test_runs_hold_all_that_is_wanted_rise_and_begin_at_keys(wanted: set[int], key: set[int]) -> None:
    made = runs(wanted, start_keys(range(100), keys(100, 0, *key)))
    assert set().union(*(run.wanted for run in made)) == wanted
    assert all(run.first in key | {0} and run.last == max(run.wanted) for run in made)
    assert all(before.last < after.first for before, after in pairwise(made))


@pytest.mark.parametrize(
    ("seconds", "base", "tick"),
    [
        (1.1, Fraction(1, 15360), 16896),
        (0.1 + 0.2, Fraction(1, 10), 3),
        (1.05, Fraction(1, 10), 11),
        (33.367, Fraction(1, 90000), 3003030),
        (0, Fraction(1, 25), 0),
    ],
)
def test_a_decimal_time_selects_the_frame_that_begins_then(seconds: float, base: Fraction, tick: int) -> None:
    assert first_tick_at(seconds, base) == tick


def test_hidden_reference_frames_are_known_by_their_first_bits() -> None:
    assert [vp8_hidden(0b0001_0000), vp8_hidden(0b0000_0001)] == [False, True]
    assert vp9_hidden(0b1000_0110, 0) is False
    assert vp9_hidden(0b1000_0100, 0) is True
    assert vp9_hidden(0b1000_0100, 0b1100_0001) is False
    assert vp9_hidden(0b1000_1000, 0) is False


def test_windows_and_moments_of_a_timeline() -> None:
    timeline = read_timeline(footage.video(seconds=2, fps=25, audio=True))
    assert len(timeline) == 50
    assert timeline.duration == pytest.approx(2.0)
    assert timeline.seconds(25) == pytest.approx(1.0)
    assert [timeline.index_at(moment) for moment in (-1, 0, 0.039, 0.04, 1.0, 99)] == [0, 0, 0, 1, 25, 49]
    assert timeline.window(0.4, 0.8) == range(10, 20)
    assert timeline.window(0.41, 0.8) == range(11, 20)
    assert timeline.window(1.9, 9) == range(48, 50)
    assert len(timeline.window(3, 4)) == 0
    assert len(timeline.window(1, 0.5)) == 0
