"""The JSON of a record has one meaning: what parsers disagree about is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.records.record_json import parse_record, unambiguous_json
from reelmill.contract.records.segment import Counts, Object, Part, Segment, StageRecord

OBJECT = Object(key="clips/0123456789/0001/_reelmill/items/00000-1.jsonl", size=3, digest="sha256:00")
SEGMENT = Segment(
    state="committed", stage="clips", key="0123456789", segment=1, kind="cover", covers={"raw": (1, 2)},
    counts=Counts(in_=2, done=2), totals=Counts(in_=2, done=2), items=2, next_ordinal=2,
    definition={"type": "clip", "params": {"by": ["scenes", {"threshold": 0.3}]}},
    parts=(Part(items=OBJECT, ledger=OBJECT, count=2, weight=1.5, first_ordinal=0),),
)  # fmt: skip
JSON = SEGMENT.model_dump_json(by_alias=True)


def objects_in(value: Any) -> list[dict[str, Any]]:
    """All JSON objects in a value that have a name."""
    if isinstance(value, list):
        return [found for inner in value for found in objects_in(inner)]
    if not isinstance(value, dict):
        return []
    return [*([value] if value else []), *(found for inner in value.values() for found in objects_in(inner))]


OBJECTS = range(len(objects_in(json.loads(JSON))))


def written(value: Any, repeated: dict[str, Any], name: str, again: str) -> str:
    """JSON in which one object has a name a second time."""
    if isinstance(value, list):
        return f"[{','.join(written(inner, repeated, name, again) for inner in value)}]"
    if not isinstance(value, dict):
        return json.dumps(value)
    pairs = [f"{json.dumps(key)}:{written(inner, repeated, name, again)}" for key, inner in value.items()]
    return f"{{{','.join([*pairs, *([f'{name}:{again}'] if value is repeated else [])])}}}"


@given(st.sampled_from(OBJECTS), st.data(), st.booleans())
def test_a_name_that_any_object_of_a_record_repeats_is_refused(which: int, data: st.DataObject, escaped: bool) -> None:
    whole = json.loads(JSON)
    repeated = objects_in(whole)[which]
    name = data.draw(st.sampled_from(sorted(repeated)))
    shown = f'"\\u{ord(name[0]):04x}{name[1:]}"' if escaped else json.dumps(name)
    text = written(whole, repeated, shown, json.dumps(repeated[name]))
    assert json.loads(text) == whole
    with pytest.raises(ValueError, match=f"the name '{name}' occurs more than once"):
        parse_record(Segment, text.encode())


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize("place", ['"weight":0.0', '"threshold":0.3', '"weight":1.5'])
def test_a_number_of_a_record_that_is_not_finite_is_refused(place: str, number: str) -> None:
    assert place in JSON
    with pytest.raises(ValueError, match=rf"the number {number} is not finite"):
        parse_record(Segment, JSON.replace(place, f"{place.partition(':')[0]}:{number}").encode())


@pytest.mark.parametrize(
    "data",
    [f"{JSON}{JSON}", f"{JSON}\n{JSON}", f"\ufeff{JSON}", f"{JSON}\0", JSON[:-1], f"[{JSON}]", "", "null",
     JSON.replace('"scenes"', "[" * 5000 + "]" * 5000), JSON.replace('"scenes"', "1" * 5000)],
)  # fmt: skip
def test_anything_but_one_record_is_refused(data: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        parse_record(Segment, data.encode())


def test_a_record_is_read_however_it_is_formatted() -> None:
    whole = json.loads(JSON)
    for text in (JSON, json.dumps(whole), json.dumps(whole, indent=2), json.dumps(dict(reversed(whole.items())))):
        assert parse_record(Segment, text.encode()) == SEGMENT
    fewer = {name: whole[name] for name in whole if name not in ("flow", "usage", "counters", "versions")}
    assert parse_record(Segment, json.dumps(fewer).encode()) == SEGMENT


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_json_without_ambiguity_means_what_the_standard_library_reads(value: Any) -> None:
    text = json.dumps(value)
    assert repr(unambiguous_json(text.encode())) == repr(json.loads(text))


def test_a_record_of_any_kind_is_parsed_so() -> None:
    record = '{"stage":"a","key":"b","segment":1,"definition":{},"coverage":{"raw":1,"raw":2},"totals":{},"items":0}'
    with pytest.raises(ValueError, match="'raw' occurs more than once"):
        parse_record(StageRecord, record.encode())
