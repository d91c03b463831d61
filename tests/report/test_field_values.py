"""Distributions of fields against a plain recount in memory."""

import math
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill_stages.summary.field_values import BINS, QUANTILES, FieldValues
from reelmill_stages.summary.hash_sample import Picks
from report.generated_store import item

NUMBERS = st.one_of(
    st.integers(-(10**18), 10**18), st.floats(-1e190, 1e190), st.sampled_from([0, 0.0, 1, 0.1, 5e-324, 1e-300, -7.5])
)
VALUES = st.one_of(
    NUMBERS,
    st.booleans(),
    st.text(max_size=5),
    st.none(),
    st.sampled_from([math.inf, math.nan, 10**400, [1], {"a": 1}]),
)


def added(values: list[Any], folder: Path) -> FieldValues:
    found = FieldValues("x", folder / "x.f8")
    for value in values:
        found.add(item("k", x=value))
    return found


@given(st.lists(VALUES, max_size=60))
def test_every_value_is_counted_once_as_a_number_as_another_value_or_as_missing(values: list[Any]) -> None:
    with TemporaryDirectory() as folder:
        found = added(values, Path(folder))
        numbers = [v for v in values if type(v) in (int, float) and v == v and abs(v) <= 1e200]
        others = [v for v in values if v is not None and not any(v is n for n in numbers)]
        histogram = found.histogram()
        assert (histogram.items if histogram else 0) == len(numbers)
        told = found.values()
        assert (told.items if told else 0) == len(others)
        if histogram:
            assert histogram.missing == values.count(None)
            assert histogram.bad == len(others)
            assert sum(histogram.counts) == len(numbers)
            assert (histogram.least, histogram.most) == (min(numbers), max(numbers))
            assert len(histogram.edges) == BINS + 1
            assert histogram.edges == sorted(histogram.edges)


@given(st.lists(NUMBERS, min_size=1, max_size=60))
def test_quantiles_are_values_by_the_nearest_rank(numbers: list[float]) -> None:
    with TemporaryDirectory() as folder:
        found = added(numbers, Path(folder)).quantiles()
    ordered = sorted(map(float, numbers))
    expected = {f"p{p:02d}": ordered[max(1, math.ceil(p * len(ordered) / 100)) - 1] for p in QUANTILES}
    assert found == expected


def test_014_f02_more_numbers_than_a_block_go_through_the_file(tmp_path: Path) -> None:
    found = FieldValues("x", tmp_path / "x.f8")
    given_item = [item("k", x=value) for value in (1, 2, 3)]
    for number in range(200_001):
        found.add(given_item[number % 3])
    histogram = found.histogram()
    assert histogram is not None
    assert {count for count in histogram.counts if count} == {66_667}
    assert (tmp_path / "x.f8").stat().st_size == 8 * 3 * 65_536
    assert found.quantiles()["p50"] == 2


def test_a_histogram_takes_the_edges_of_another_one_only_if_it_fits(tmp_path: Path) -> None:
    first = added([0, 5, 10], tmp_path).histogram()
    assert first is not None
    for values, fits in (([1, 9], True), ([1, 11], False)):
        folder = tmp_path / str(values[1])
        folder.mkdir()
        assert (added(values, folder).within(first.edges) is not None) == fits


@given(st.lists(st.text(st.characters(), max_size=6), max_size=50), st.integers(1, 10), st.randoms())
def test_the_choice_of_examples_does_not_depend_on_the_order(keys: list[str], count: int, chance: Any) -> None:
    unique = list(dict.fromkeys(keys))

    def chosen(order: list[str]) -> list[str]:
        picks: Picks[None] = Picks(count)
        for key in order:
            picks.add(key, None)
        return [key for key, _ in picks]

    mixed = list(unique)
    chance.shuffle(mixed)
    assert chosen(unique) == chosen(mixed)
    assert len(chosen(unique)) == min(count, len(unique))


@pytest.mark.parametrize("texts", [["a"] * 5 + ["b"] * 2 + ["c"]])
def test_texts_are_counted_the_most_frequent_first(texts: list[str], tmp_path: Path) -> None:
    told = added(texts, tmp_path).values()
    assert told is not None
    assert [(one.value, one.items) for one in told.values] == Counter(texts).most_common()
