"""Differences of two sequences of rows, against dictionaries."""

import itertools
import math
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reelmill_stages.commands.versions.row_diff import differences

KEYS = st.text(st.characters(codec="utf-8"), max_size=3)
VALUES = st.dictionaries(
    st.sampled_from("ab"),
    st.integers(0, 2) | st.none() | st.text(max_size=2) | st.sampled_from(["\ud800", 2**64, -(2**70)]),
    max_size=2,
)
ROWS = st.lists(st.tuples(KEYS, VALUES), max_size=40)


@given(before=ROWS, after=ROWS)
def test_a_difference_is_a_key_whose_last_rows_differ(
    before: list[tuple[str, dict[str, Any]]], after: list[tuple[str, dict[str, Any]]]
) -> None:
    old, new = dict(before), dict(after)
    with tempfile.TemporaryDirectory() as folder:
        found = {
            key: (one, other) for key, one, other in differences(lambda: before, lambda: after, dict, Path(folder))
        }
        assert not list(Path(folder).iterdir())
    assert found == {
        key: (old.get(key), new.get(key)) for key in old.keys() | new.keys() if old.get(key) != new.get(key)
    }


def test_the_order_of_differences_depends_on_the_keys_only(tmp_path: Path) -> None:
    rows = [(f"key-{number}", {"a": number}) for number in range(2000)]
    orders = [
        [key for key, *_ in differences(lambda given=given: given, lambda: (), dict, tmp_path)]  # type: ignore[misc]
        for given in (rows, rows[::-1])
    ]
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == sorted(key for key, _ in rows)


def test_numbers_that_are_not_finite_differ_from_nothing_and_from_each_other(tmp_path: Path) -> None:
    values: list[float | None] = [math.nan, math.inf, -math.inf, None]
    for before, after in itertools.permutations(values, 2):
        old, new = [("k", {"a": before})], [("k", {"a": after})]
        assert len(list(differences(lambda old=old: old, lambda new=new: new, dict, tmp_path))) == 1  # type: ignore[misc]
    same = [("k", {"a": math.nan})]
    assert list(differences(lambda: same, lambda: same, dict, tmp_path)) == []
