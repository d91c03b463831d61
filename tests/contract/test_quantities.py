"""Counts in texts for people."""

import pytest

from reelmill.contract.text.quantities import count_of


@pytest.mark.parametrize(
    ("number", "noun", "plural", "expected"),
    [
        (0, "item", "", "0 items"),
        (1, "item", "", "1 item"),
        (2, "forgotten item", "", "2 forgotten items"),
        (12345, "item", "", "12,345 items"),
        (1, "pass", "passes", "1 pass"),
        (3, "pass", "passes", "3 passes"),
    ],
)
def test_a_noun_agrees_with_its_number(number: int, noun: str, plural: str, expected: str) -> None:
    assert count_of(number, noun, plural) == expected
