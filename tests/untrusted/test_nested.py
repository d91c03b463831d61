"""JSON and YAML of unknown origin: a value within the limits, or one kind of error."""

import json
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pack.broken_tars import picture, tar
from reelmill.contract.errors import SpecError
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.index import IndexBlock
from reelmill_stages.stage import Done, Failed, Input
from reelmill_stages.stages.index.index_file import parse
from reelmill_stages.stages.index.stage import IndexStage
from reelmill_stages.stages.tokenize.check import TokensCheck
from reelmill_stages.untrusted.nested import MAX_DEPTH, JsonError, check_depth, load_json
from reelmill_stages.untrusted.yaml_values import load_yaml
from worker_desk import Desk

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["0", "<image>"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["input_ids", "loss_mask", "image", "image_name_list", "prompt", "text", "document_offsets", "position_ids"]
)


@given(VALUES)
def test_what_is_json_is_read_as_json_reads_it(value: Any) -> None:
    text = json.dumps(value)
    assert repr(load_json(text)) == repr(load_json(text.encode())) == repr(json.loads(text))


AROUND = st.sampled_from(["", " ", "\n", "\r\t", " x", "{}", ",", "\ufeff", "\0"])


@given(value=VALUES, before=AROUND, after=AROUND)
def test_what_stands_around_a_value_is_taken_or_refused_as_json_does(value: Any, before: str, after: str) -> None:
    text = before + json.dumps(value) + after
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(JsonError):
            load_json(text)
    else:
        assert repr(load_json(text)) == repr(expected)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"]":', "}]")])
def test_nesting_has_a_limit_of_levels_not_of_brackets(opening: str, closing: str) -> None:
    levels = MAX_DEPTH // (opening.count("[") + opening.count("{"))
    load_json(opening * levels + "1" + closing * levels)
    for more in (levels + 1, 5000, 200_000):
        for text in (opening * more + "1" + closing * more, opening * more):
            with pytest.raises(JsonError, match="deeper than 100 levels"):
                load_json(text)
    assert load_json(json.dumps([[]] * 5000 + ['[[[[\\"' * 90])) == [[]] * 5000 + ['[[[[\\"' * 90]


@given(depth=st.integers(0, 3 * MAX_DEPTH))
def test_the_depth_of_a_value_that_is_read_already_is_checked_the_same_way(depth: int) -> None:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    if depth <= MAX_DEPTH:
        check_depth(value)
        load_json(json.dumps(value))
    else:
        for check in (check_depth, lambda one: load_json(json.dumps(one))):
            with pytest.raises(JsonError, match="deeper"):
                check(value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"a": ' + b"9" * 5000 + b"}", "Exceeds the limit"),
        (b'{"a": "\xe9"}', "not UTF-8"),
        (b'{"a"', "Expecting"),
        (b"", "Expecting"),
        (b"[1, 2", "Expecting"),
    ],
)
def test_what_is_not_json_is_one_kind_of_error(data: bytes, words: str) -> None:
    with pytest.raises(JsonError, match=words):
        load_json(data)


def test_a_text_above_the_limit_is_not_parsed() -> None:
    with pytest.raises(JsonError, match="at most 10 are read"):
        load_json(b"[1, 2, 3, 4, 5]", max_bytes=10)


@pytest.mark.parametrize(
    "text",
    ["a: &a [1]\nb: [*a, *a]\n", "[" * 5000, "{:", "a: 1\n" * (4 << 20)],
    ids=["aliases", "nesting", "damage", "size"],
)
def test_yaml_is_refused_with_its_own_error(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load_yaml(text.encode())


def looked_at(folder: Path, data: bytes) -> Done | Failed:
    path = tar(folder / "a.tar", [("0.json", data), ("0.0.jpg", picture())])
    item = Item("a.tar", 0, "g", 1.0, Media(str(path), path.stat().st_size))
    stage = IndexStage(IndexBlock(check="full", preview="100%"))
    (result,) = stage.process([Input(item, 0)], Desk(folder / "work"))
    assert isinstance(result, Done | Failed)
    for finding in TokensCheck().check(folder):
        assert finding.message
    return result


@pytest.mark.parametrize("levels", [5000, 100_000])
def test_a_nested_json_is_a_bad_tar_and_no_crash(tmp_path: Path, levels: int) -> None:
    result = looked_at(tmp_path, b"[" * levels + b"]" * levels)
    assert isinstance(result, Failed)
    assert "json: part 'json' of sample 0 is not valid JSON: it is nested deeper than 100 levels" in result.message


@given(fields=st.dictionaries(NAMES, VALUES, max_size=6))
def test_any_fields_of_a_json_end_in_a_good_or_a_bad_tar(
    fields: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    looked_at(tmp_path_factory.mktemp("t"), json.dumps(fields).encode())


def test_lists_where_numbers_belong_are_a_broken_rule(tmp_path: Path) -> None:
    fields = {"input_ids": [1] * 10, "loss_mask": [[]] * 10, "text": {}, "image_name_list": "x"}
    result = looked_at(tmp_path, json.dumps(fields).encode())
    assert isinstance(result, Failed)
    assert "mask_values" in result.message


PICKLES = {
    "a memo of gigabytes": b"\x80\x04]r\xff\xff\xff\xff.",
    "a memo of gigabytes in text": b"(lp4294967295\n.",
    "deep": b"\x80\x04" + b"]" * 5000 + b"a" * 4999 + b".",
    "deep in a row": b"\x80\x04](}X\x03\0\0\0url" + b"]" * 500 + b"a" * 499 + b"sX\x08\0\0\0nsamplesK\x01se.",
    "a text of gigabytes": b"\x80\x04\x8d\xff\xff\xff\xff\xff\0\0\0abc.",
    "a persistent object": b"Pabc\n.",
    "cut": pickle.dumps([{"url": "a", "nsamples": 1}], protocol=4)[:-4],
    "no list": pickle.dumps(5),
}


@pytest.mark.parametrize("kind", sorted(PICKLES))
def test_a_hostile_pickle_is_no_index(kind: str) -> None:
    with pytest.raises(SpecError, match="not an index of tars"):
        parse(PICKLES[kind], ".pkl")


@given(st.binary(max_size=200) | VALUES.map(pickle.dumps))
def test_any_pickle_is_an_index_or_none(data: bytes) -> None:
    with suppress(SpecError):
        parse(data, ".pkl")
