import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.spec.stages.caption import CaptionBlock
from reelmill_stages.model_servers.retry_after import retry_after
from reelmill_stages.stages.caption.answer import text_of, tokens, validator, value_of
from reelmill_stages.stages.caption.pictures import fitted, middles
from reelmill_stages.stages.caption.template import rendered

BASE = {"server": {"url": "http://models:8000/v1"}, "model": "looker"}
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


def block(**params: object) -> CaptionBlock:
    return CaptionBlock.model_validate({**BASE, **params})


def test_007_f02_placeholders_are_fields_and_parts_of_fields() -> None:
    fields = {"text": "a dog", "measures": {"luma": 12.5, "tags": ["a", "b"]}}
    assert rendered("{text}: {measures.luma} {measures.tags} {{text}}", fields) == 'a dog: 12.5 ["a", "b"] {text}'


@given(words)
def test_what_a_field_says_is_inserted_as_it_is(said: str) -> None:
    assert rendered("<{text}>", {"text": said}) == f"<{said}>"


@pytest.mark.parametrize("template", ["{", "}", "{text", "{text.}", "{0}", "{text!r}", "{text.__class__[0]}", "{a b}"])
def test_a_placeholder_that_is_none_is_refused_with_the_pipeline(template: str) -> None:
    with pytest.raises(ValidationError, match="write a placeholder"):
        block(prompt=template)


def test_a_placeholder_reaches_no_attribute() -> None:
    with pytest.raises(ItemError, match=r"no field 'text\.upper'"):
        rendered("{text.upper}", {"text": "a"})


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"field": "media"}, "reserved for reelmill"),
        ({"textProperty": "caption"}, "textProperty needs a schema"),
        ({"schema": {}, "textProperty": "caption"}, "field must be another one"),
        ({"extra": {"temperature": 1}}, "extra must not contain temperature"),
        ({"server": {"url": "http://user:word@models/v1"}}, "must not contain credentials"),
        ({"server": {"url": "ftp://models"}}, "pattern"),
        ({"server": {"url": "http://m/v1", "apiKeyEnv": "AWS_SECRET_ACCESS_KEY"}}, "keys of a store"),
        ({"server": {"url": "http://m/v1", "apiKeyEnv": "RAW_AWS_SECRET_ACCESS_KEY"}}, "keys of a store"),
        ({"server": {"url": "http://m/v1", "apiKeyEnv": "AZURE_STORAGE_KEY"}}, "keys of a store"),
        ({"server": {"url": "http://m/v1", "apiKeyEnv": "RAW_AZURE_STORAGE_SAS_TOKEN"}}, "keys of a store"),
        ({"server": {"url": "http://m/v1", "apiKeyEnv": "REELMILL_TASK"}}, "set by reelmill"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(params: dict[str, object], says: str) -> None:
    try:
        wrong = str(block(**params).refusals())
    except ValidationError as error:
        wrong = str(error)
    assert says in wrong


def test_the_address_the_budget_and_the_pace_are_no_part_of_the_key() -> None:
    moved = block(
        server={"url": "http://other:1/v1", "apiKeyEnv": "K"}, limits={"tokens": 5}, concurrency=2, timeout="9s"
    )
    assert moved.canonical() == block().canonical() == {"model": "looker"}
    assert block(prompt="What?").canonical() == {"model": "looker", "prompt": "What?"}
    assert moved.surroundings() != block().surroundings()


def test_a_schema_that_is_none_is_refused_before_any_item() -> None:
    with pytest.raises(SpecError, match="not a JSON schema"):
        validator(block(schema={"type": "sentence"}))


def test_a_schema_loads_nothing_from_elsewhere() -> None:
    found = validator(block(schema={"$ref": "http://127.0.0.1:1/schema.json"}))
    with pytest.raises(SpecError, match="which it does not contain"):
        value_of("{}", found)


def _outcome(response: dict[str, object]) -> str:
    try:
        return "text" if text_of(response).encode() else ""
    except ItemError as error:
        return error.reason


@given(values | st.sampled_from([float("inf"), float("nan")]))
def test_any_response_is_a_text_or_one_reason(response: object) -> None:
    for told in ({"choices": [{"message": response}]}, {"choices": response, "usage": response}):
        assert all(count >= 0 for count in tokens(told).values())
        assert _outcome(told) in {"text", "bad_answer", "answer_refused", "answer_cut"}


@given(values)
def test_an_answer_of_the_schema_is_the_value_that_was_written(value: object) -> None:
    assert value_of(json.dumps(value), validator(block(schema={}))) == value
    assert value_of(f"```json\n{json.dumps(value)}\n```", validator(block(schema={}))) == value


@pytest.mark.parametrize("text", ["NaN", "-Infinity", '{"a": [Infinity]}'])
def test_a_number_that_json_does_not_have_is_a_bad_answer(text: str) -> None:
    with pytest.raises(ItemError) as refused:
        value_of(text, validator(block(schema={})))
    assert refused.value.reason == "bad_answer"


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("0", 0.0), ("7", 7.0), ("0.5", 0.5), ("", 0.0), ("soon", 0.0), ("-5", 0.0), ("nan", 0.0), ("inf", 0.0),
        ("Sun, 29 Nov 2026 10:00:30 GMT", 30.0), ("Sun, 29 Nov 2026 09:00:00 GMT", 0.0), ("٣", 0.0),
        ("Sun, 29 Nov 99999 10:00:30 GMT", 0.0),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header: str, wait: float) -> None:
    assert retry_after(header, datetime(2026, 11, 29, 10, tzinfo=UTC)) == wait


@given(st.text(max_size=30))
def test_retry_after_of_any_text_is_a_time_to_wait(header: str) -> None:
    assert retry_after(header) >= 0.0


@given(st.integers(1, 300), st.integers(1, 64))
def test_frames_are_the_middles_of_equal_parts(frames: int, count: int) -> None:
    found = middles(frames, count)
    assert len(found) == min(frames, count)
    assert all(0 <= index < frames for index in found)
    assert found == sorted(set(found))


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(32, 2000))
def test_a_frame_is_never_scaled_up(width: int, height: int, side: int) -> None:
    found = fitted(width, height, side)
    assert max(found) == min(side, max(width, height))
    assert min(found) >= 1
