"""From the values of frames to a number of the clip."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.measures import REDUCTIONS
from reelmill_stages.measuring.reduce import percentile, reduced

finite = st.floats(-1e6, 1e6)
some = st.lists(finite, min_size=1, max_size=200)


@given(some)
def test_reductions_are_those_of_numpy(values: list[float]) -> None:
    assert reduced(values, "mean") == pytest.approx(np.mean(values), rel=1e-9, abs=1e-9)
    assert reduced(values, "min") == min(values)
    assert reduced(values, "max") == max(values)
    assert reduced(values, "above 3.5") == np.mean(np.array(values) > 3.5)
    for share in (10, 50, 90):
        assert percentile(values, share) == np.percentile(values, share, method="inverted_cdf")


@given(some, st.lists(st.sampled_from([float("nan"), float("inf"), float("-inf")]), max_size=5), st.randoms())
def test_what_is_no_number_changes_nothing(values: list[float], others: list[float], random: object) -> None:
    mixed = [*values, *others]
    random.shuffle(mixed)
    for word in REDUCTIONS:
        rule = "above 0" if word == "above" else word
        assert reduced(mixed, rule) == pytest.approx(reduced(values, rule), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("values", [[], [float("nan")]])
def test_nothing_is_reduced_to_nothing(values: list[float]) -> None:
    assert reduced(values, "mean") is None
