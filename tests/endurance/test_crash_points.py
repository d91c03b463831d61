"""A few of the crash points of `make endurance ARGS=crashes`: the end is that of an undisturbed run."""

from collections import Counter

import pytest

from endurance import crashes


@pytest.mark.parametrize("number", range(1, 13))
def test_faults_of_the_operators_requests_change_nothing_in_the_end(number: int) -> None:
    struck: Counter[tuple[str, str]] = Counter()
    problems, one = crashes.case(2026, number, struck)
    assert problems == []
    assert one.operator.lives
