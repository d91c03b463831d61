"""Delays between attempts: doubled with each failure in a row, limited, spread by jitter."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.backoff import Backoff, chance


@pytest.mark.parametrize(
    ("first", "most", "delays"),
    [
        (1.0, 30.0, [1, 2, 4, 8, 16, 30, 30]),
        (15.0, 300.0, [15, 30, 60, 120, 240, 300, 300]),
        (0.5, 0.5, [0.5, 0.5, 0.5]),
        (10.0, 4.0, [4, 4]),
    ],
)
def test_a_delay_doubles_with_each_failure_up_to_the_limit(first: float, most: float, delays: list[float]) -> None:
    assert [Backoff(first, most).delay(failures) for failures in range(1, len(delays) + 1)] == delays


@pytest.mark.parametrize(
    ("jitter", "chance", "seconds"),
    [(0.5, 0.0, 2.0), (0.5, 0.5, 4.0), (0.5, 1.0, 6.0), (0.0, 0.0, 4.0), (0.0, 1.0, 4.0), (1.0, 0.0, 0.0)],
)
def test_jitter_spreads_a_delay_in_both_directions(jitter: float, chance: float, seconds: float) -> None:
    assert Backoff(first=1, most=60, jitter=jitter).delay(3, chance) == seconds


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_no_number_of_failures_makes_a_delay_too_long(failures: int, chance: float) -> None:
    assert 0 < Backoff(first=0.5, most=300, jitter=0.5).delay(failures, chance) <= 450


def test_jitter_takes_no_number_from_a_seeded_stage() -> None:
    random.seed(7)
    expected = random.random()
    random.seed(7)
    assert all(0 <= chance() < 1 for _ in range(20))
    assert random.random() == expected
