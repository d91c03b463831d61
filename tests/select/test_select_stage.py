"""A `select` stage beside a plain interpretation of its block, in any batches and over several passes."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from reelmill.contract.records.rows import Item
from reelmill.contract.spec.pipeline import Spec
from reelmill.contract.spec.stages.select import Grouping, SelectBlock, number_text
from reelmill.plan.definition.graph import SpecErrors, resolve
from reelmill_stages.runtime.decide import postings
from reelmill_stages.runtime.decide.growing_index import GrowingIndex
from reelmill_stages.runtime.decide.kept import KeptInputs
from reelmill_stages.stage import Done, Failed, Input, Signed
from reelmill_stages.stages.select.groups import ID_BYTES, ItemGroups, group_name, group_of_name
from reelmill_stages.stages.select.stage import SelectStage, share_of

LABELS = st.sampled_from(["cat", "dog", "24", 24, 24.0, True, None])
SCORES = st.integers(0, 6) | st.floats(-2, 2)


def select(**params: Any) -> SelectStage:
    return SelectStage(SelectBlock.model_validate(params))


def item(key: str, **fields: Any) -> Item:
    return Item(ordinal=0, key=key, group=key, weight=1.0, fields=fields)


def signed(stage: SelectStage, items: Sequence[Item]) -> list[Signed]:
    """The inputs of a pass in the order of decision. Every item must be selectable."""
    found = []
    for given_item, result in zip(items, stage.process([Input(each, 0) for each in items], None), strict=True):  # type: ignore[arg-type]
        assert isinstance(result, Done)
        assert result.signature is not None
        found.append((result.signature.rank, given_item.key, result.signature.data))
    return [Signed(key, data) for _, key, data in sorted(found)]


def kept_keys(params: dict[str, Any], passes: Sequence[Sequence[Item]], folder: Path, batch: int) -> list[list[str]]:
    """The keys that each pass keeps; every pass has a new stage, as in a new process."""
    indexes: list[GrowingIndex] = []
    found = []
    for number, items in enumerate(passes):
        stage, inputs = select(**params), signed(select(**params), items)
        (folder / str(number)).mkdir()
        indexes.append(GrowingIndex(folder / str(number)))
        stage.prepare(iter(inputs))
        keys = []
        for first in range(0, len(inputs), batch):
            part = inputs[first : first + batch]
            verdicts = stage.decide(part, KeptInputs(indexes[:-1], indexes[-1]))  # type: ignore[arg-type]
            fresh = [one for one, verdict in zip(part, verdicts, strict=True) if verdict is None]
            values, owners = stage.terms([one.data for one in fresh])
            indexes[-1].add(fresh, postings.mixed(values), owners)
            keys += [one.key for one in fresh]
        found.append(keys)
    return found


@st.composite
def passes(draw: st.DrawFn) -> list[list[Item]]:
    rows = draw(st.lists(st.tuples(LABELS, SCORES), max_size=30))
    items = [item(f"v{place:02d}", label=label, score=score) for place, (label, score) in enumerate(rows)]
    cut = draw(st.integers(0, len(items)))
    return [items[:cut], items[cut:]]


@settings(deadline=None)
@given(
    passes=passes(), batch=st.integers(1, 31), count=st.integers(0, 4), quota=st.integers(0, 4), highest=st.booleans()
)
def test_006_f13_the_best_of_each_group_are_kept_and_later_passes_fill_what_is_left(
    tmp_path_factory: Any, passes: list[list[Item]], batch: int, count: int, quota: int, highest: bool
) -> None:
    params = {
        "per": [{"field": "label"}],
        "count": count,
        "quotas": {"dog": quota, "24": quota},
        "measure": "score",
        "best": "highest" if highest else "lowest",
    }
    taken: Counter[str] = Counter()
    expected = []
    for items in passes:
        best = sorted(items, key=lambda one: (-one.fields["score"] if highest else one.fields["score"], one.key))
        keys = []
        for one in best:
            label = json.dumps(one.fields["label"]).removesuffix(".0")
            if taken[label] < (quota if label in ('"dog"', '"24"', "24") else count):
                taken[label] += 1
                keys.append(one.key)
        expected.append(keys)
    assert kept_keys(params, passes, tmp_path_factory.mktemp("index"), batch) == expected


@settings(deadline=None)
@given(passes=passes(), batch=st.integers(1, 31), share=st.floats(0.01, 0.99))
def test_006_f14_a_share_of_each_group_of_a_pass_is_kept_up_to_one_item_and_it_is_the_best(
    tmp_path_factory: Any, passes: list[list[Item]], batch: int, share: float
) -> None:
    params = {"per": [{"field": "label"}], "share": share, "measure": "score"}
    found = kept_keys(params, passes, tmp_path_factory.mktemp("index"), batch)
    for items, keys in zip(passes, found, strict=True):
        groups: dict[str, list[Item]] = defaultdict(list)
        for one in items:
            groups[json.dumps(one.fields["label"]).removesuffix(".0")].append(one)
        for group in groups.values():
            best = sorted(group, key=lambda one: (-one.fields["score"], one.key))
            number = sum(one.key in keys for one in group)
            assert math.floor(share * len(group)) <= number <= math.ceil(share * len(group))
            assert {one.key for one in best[:number]} == {one.key for one in group if one.key in keys}


def test_the_share_of_many_passes_of_one_item_is_the_share() -> None:
    kept = sum(share_of(0.3, 1, f"v{number}") for number in range(10_000))
    assert 2850 < kept < 3150


@settings(deadline=None)
@given(keys=st.sets(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=40), seed=st.integers(0, 3))
def test_a_random_choice_depends_only_on_keys_and_seed(tmp_path_factory: Any, keys: set[str], seed: int) -> None:
    ways = [sorted(keys), sorted(keys, reverse=True)]
    params, batch = {"count": 5, "seed": seed}, 1 + len(keys) // 3
    found = [kept_keys(params, [[item(key) for key in way]], tmp_path_factory.mktemp("index"), batch) for way in ways]
    assert found[0] == found[1]
    assert len(found[0][0]) == min(5, len(keys))


def test_the_random_choice_is_another_with_another_seed(tmp_path: Path) -> None:
    items = [item(f"v{number:03d}") for number in range(200)]
    found = set()
    for seed in range(5):
        (tmp_path / str(seed)).mkdir()
        (keys,) = kept_keys({"count": 20, "seed": seed}, [items], tmp_path / str(seed), 200)
        found.add(tuple(keys))
    assert len(found) == 5


def test_ranges_of_numbers_include_their_lower_limit(tmp_path: Path) -> None:
    values = [-3, 0.999, 1, 3.99, 4, 1e300]
    items = [item(f"v{place}", motion=value) for place, value in enumerate(values)]
    params = {"per": [{"field": "motion", "bins": [1, 4]}], "count": 1, "quotas": {"4 and above": 2, "below 1": 0}}
    (keys,) = kept_keys(params, [items], tmp_path, 6)
    assert len(keys) == 3
    assert {"v4", "v5"} < set(keys)
    assert set(keys) & {"v2", "v3"}
    stage = select(**params)
    (verdict,) = stage.decide(signed(stage, items[:1]), KeptInputs([], GrowingIndex(tmp_path)))
    assert verdict is not None
    assert (verdict.reason, verdict.message) == ("not_selected", "of motion below 1, others are kept: 0 in all")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"label": "cat"}, "no_field"),
        ({"label": "cat", "score": None}, "no_field"),
        ({"label": "cat", "score": math.nan}, "bad_field"),
        ({"label": "cat", "score": -math.inf}, "bad_field"),
        ({"label": "cat", "score": 10**400}, "bad_field"),
        ({"label": "cat", "score": "7"}, "bad_field"),
        ({"label": "cat", "score": True}, "bad_field"),
        ({"label": math.nan, "score": 1}, "bad_field"),
        ({"label": 10**5000, "score": 1}, "bad_field"),
        ({"label": ["cat"], "score": 1}, "bad_field"),
        ({"label": {}, "score": 1}, "bad_field"),
        ({"label": "\ud800", "score": 1}, ""),
        ({"label": "cat" * 500, "score": 1}, ""),
        ({"score": 1}, ""),
    ],
)
def test_006_f15_an_item_without_a_usable_value_fails_alone(fields: dict[str, Any], reason: str) -> None:
    stage = select(per=[{"field": "label"}], count=1, measure="score")
    good, other = (Input(item("a", label="cat", score=1), 0), Input(item("b", **fields), 1))
    first, second = stage.process([good, other], None)  # type: ignore[arg-type]
    assert isinstance(first, Done)
    assert (second.reason if isinstance(second, Failed) else "") == reason


def test_an_item_without_the_measure_may_come_after_all_others(tmp_path: Path) -> None:
    items = [item("a"), item("b", score=-1e300), item("c", score=5)]
    params = {"count": 2, "measure": "score", "missing": "last"}
    assert kept_keys(params, [items], tmp_path, 3) == [["c", "b"]]


@settings(deadline=None)
@given(terms=st.lists(st.integers(0, 9), max_size=40), cuts=st.lists(st.integers(0, 40), max_size=3))
def test_kept_inputs_are_counted_by_term_over_all_indexes(
    tmp_path_factory: Any, terms: list[int], cuts: list[int]
) -> None:
    indexes = []
    edges = [0, *sorted(min(cut, len(terms)) for cut in cuts), len(terms)]
    for first, end in pairwise(edges):
        indexes.append(GrowingIndex(tmp_path_factory.mktemp("index")))
        rows = [Signed(f"k{number}", b"") for number in range(first, end)]
        values = np.array(terms[first:end], np.uint64)
        indexes[-1].add(rows, postings.mixed(values), np.arange(end - first))
    kept = KeptInputs(indexes[:-1], indexes[-1])  # type: ignore[arg-type]
    wanted = np.array([9, 0, 3, 3, 20], np.uint64)
    assert kept.count(wanted).tolist() == [terms.count(int(term)) for term in wanted]


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ({}, "set exactly one of count and share"),
        ({"count": 1, "share": 0.5}, "set exactly one of count and share"),
        ({"count": 1, "best": "lowest"}, "best and missing are about measure"),
        ({"count": 1, "missing": "last"}, "best and missing are about measure"),
        ({"count": 1, "measure": "duration", "seed": 1}, "seed is for a random choice"),
        ({"count": 1, "per": [{"field": "key"}, {"field": "key"}]}, "per has the same field twice"),
        ({"count": 1, "quotas": {"cat": 1}}, "quotas need count"),
        ({"share": 0.5, "per": [{"field": "key"}], "quotas": {"cat": 1}}, "quotas need count"),
        ({"count": 1, "per": [{"field": "weight", "bins": [2]}], "quotas": {"2": 1}}, "which is none of the ranges"),
        ({"count": 1, "per": [{"field": "colour"}]}, "has the field 'colour'"),
        ({"count": 1, "measure": "colour"}, "has the field 'colour'"),
    ],
)
def test_006_f16_a_block_that_cannot_be_meant_is_refused(block: dict[str, Any], problem: str) -> None:
    spec = {
        "store": {"uri": "s3://out/x"},
        "sources": [{"name": "raw", "files": {"uri": "s3://in/"}}],
        "stages": [{"name": "clips", "clip": {"by": "length"}}, {"name": "best", "select": block}],
    }
    with pytest.raises(SpecErrors, match=problem):
        resolve(Spec.model_validate(spec))


@pytest.mark.parametrize(
    "block",
    [
        {"count": -1},
        {"count": 2.5},
        {"share": 1},
        {"share": 0},
        {"count": 1, "per": [{"field": "x", "bins": [2, 1]}]},
        {"count": 1, "per": [{"field": "x", "bins": [math.nan]}]},
        {"count": 1, "quotas": {"cat": "many"}},
    ],
)
def test_values_outside_their_limits_are_refused(block: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SelectBlock.model_validate(block)


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_a_quota_may_be_for_a_text_that_looks_like_no_finite_number(name: str) -> None:
    assert len(group_of_name(Grouping(field="label"), name)) == 1


@pytest.mark.parametrize(
    ("bins", "names"),
    [
        ([1, 2.5], ("below 1", "1 to 2.5", "2.5 and above")),
        ([-1e300, 1e300], ("below -1e+300", "-1e+300 to 1e+300", "1e+300 and above")),
        ([1e15, 1e16], ("below 1000000000000000", "1000000000000000 to 1e+16", "1e+16 and above")),
    ],
)
def test_ranges_have_short_names_and_the_groups_of_earlier_versions(bins: list[float], names: tuple[str, ...]) -> None:
    grouping = Grouping(field="x", bins=bins)
    assert grouping.ranges == names
    groups = ItemGroups([grouping])
    for value, name in zip([bins[0] * 2 if bins[0] < 0 else 0.0, bins[0], bins[1]], names, strict=True):
        group = groups.of(item("a", x=value))
        assert group_name(group) == f"x {name}"
        with_all_digits = name.replace("1e+300", str(int(1e300))).replace("1e+16", str(10**16))
        assert {*group_of_name(grouping, name), *group_of_name(grouping, with_all_digits)} == {group[:ID_BYTES]}
        SelectBlock.model_validate({"count": 1, "per": [{"field": "x", "bins": bins}], "quotas": {with_all_digits: 1}})


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_quota_names_a_number_in_its_short_form_or_with_all_digits(value: float) -> None:
    grouping = Grouping(field="x")
    group = ItemGroups([grouping]).of(item("a", x=value))
    plain = int(value) if value == int(value) else value
    assert group[:ID_BYTES] in group_of_name(grouping, group_name(group).removeprefix("x "))
    assert group[:ID_BYTES] in group_of_name(grouping, str(plain))


@given(st.integers(), st.integers(-3, 3))
def test_different_numbers_have_different_names(value: int, step: int) -> None:
    assert (number_text(value) == number_text(value + step)) is (step == 0)


@pytest.mark.parametrize("limit", [{"count": 2}, {"share": 0.5}], ids=["count", "share"])
def test_a_group_that_shards_of_two_versions_name_differently_has_one_limit(
    tmp_path: Path, limit: dict[str, Any]
) -> None:
    stage = select(per=[{"field": "x", "bins": [1e16]}], **limit)
    inputs = signed(stage, [item(f"v{number}", x=2e16) for number in range(4)])
    earlier = [Signed(one.key, one.data[:ID_BYTES] + b"x 10000000000000000 and above") for one in inputs[:2]]
    assert earlier[0].data != inputs[0].data
    index = GrowingIndex(tmp_path)
    stage.prepare(iter([*earlier, *inputs[2:]]))
    verdicts = stage.decide([*earlier, *inputs[2:]], KeptInputs([], index))  # type: ignore[arg-type]
    assert [verdict is None for verdict in verdicts] == [True, True, False, False]
