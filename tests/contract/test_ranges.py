"""Ranges of shards as text: read back as written, and never more numbers than shards can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.ranges import MAX_NUMBERS, format_ranges, parse_ranges


@given(st.sets(st.integers(0, 200)))
def test_ranges_are_read_as_they_are_written(numbers: set[int]) -> None:
    assert parse_ranges(format_ranges(numbers)) == sorted(numbers)


@pytest.mark.parametrize("text", ["0-2000000", "0-9,5-99999999999999999999", "x", "1-x", "-", "-5", "9" * 5000])
def test_text_that_is_no_range_or_stands_for_too_many_numbers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_ranges(text)


def test_as_many_numbers_as_are_allowed_are_read() -> None:
    assert len(parse_ranges(f"0-{MAX_NUMBERS - 1}")) == MAX_NUMBERS
