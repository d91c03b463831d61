"""Rules of a `filter` stage, beside a plain interpretation of the same rules, and what their specs refuse."""

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item, Media, Span
from reelmill.contract.spec.stages.filter import FilterBlock, Rule
from reelmill_stages.results import Failed, Filtered
from reelmill_stages.stages.filter.rules import judge, ready

IDS = st.integers(2**53 - 2, 2**53 + 2) | st.integers(-(2**63) - 1, -(2**63) + 1)
"""Integers of which floats equal only some."""
NUMBERS = st.one_of(st.integers(-(10**400), 10**400), st.integers(-20, 20), IDS, st.floats())
VALUES = st.one_of(NUMBERS, st.text("ab \n", max_size=6), st.booleans(), st.none(), st.lists(st.integers(), max_size=2))
LIMITS = st.one_of(st.integers(-20, 20), st.floats(-20, 20), IDS)
PATTERNS = st.sampled_from(["a", "^a", "b$", "ab|ba", "(a|b){2}", "^$", "[^a]"])


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {"name": "r", "field": draw(st.sampled_from(["x", "measures.x", "deep.er.x"]))}
    match draw(st.sampled_from(["number", "text", "length", "in", "notIn"])):
        case "number":
            low, high = sorted([draw(LIMITS), draw(LIMITS)])
            found |= draw(st.sampled_from([{"min": low}, {"max": high}, {"min": low, "max": high}]))
        case "text":
            found |= draw(
                st.sampled_from([{"matches": draw(PATTERNS)}, {"notMatches": draw(PATTERNS)}]),
            )
        case "length":
            low, high = sorted([draw(st.integers(0, 4)), draw(st.integers(0, 4))])
            what = draw(st.sampled_from(["Words", "Characters"]))
            ends = {f"min{what}": low, f"max{what}": high}
            found |= {name: ends[name] for name in draw(st.sets(st.sampled_from([*ends]), min_size=1))}
        case word:
            found[word] = draw(
                st.lists(st.one_of(st.integers(-3, 3), IDS, st.text("ab", max_size=2), st.booleans()), min_size=1)
            )
    if draw(st.booleans()):
        found["missing"] = draw(st.sampled_from(["fail", "keep", "drop"]))
    return found


def expected(rule: dict[str, Any], value: Any) -> str:
    """`kept`, `dropped`, `no_field` or `bad_field`: the rule in the words of the documentation."""
    if value is None:
        return {"keep": "kept", "drop": "dropped", "fail": "no_field"}[rule.get("missing", "fail")]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and isinstance(value, float) and not math.isfinite(value):
        return "bad_field"
    if "min" in rule or "max" in rule:
        if not number:
            return "bad_field"
        return "kept" if rule.get("min", value) <= value <= rule.get("max", value) else "dropped"
    if "matches" in rule or "notMatches" in rule:
        if not isinstance(value, str):
            return "bad_field"
        found = re.search(rule.get("matches") or rule["notMatches"], value) is not None
        return "kept" if found == ("matches" in rule) else "dropped"
    if lengths := {name: limit for name, limit in rule.items() if name.endswith(("Words", "Characters"))}:
        if not isinstance(value, str):
            return "bad_field"
        counts = {"Words": len(re.findall(r"\S+", value)), "Characters": len(re.sub(r"^\s+|\s+$", "", value))}
        fits = [
            (limit <= counts[name[3:]]) if name.startswith("min") else (counts[name[3:]] <= limit)
            for name, limit in lengths.items()
        ]
        return "kept" if all(fits) else "dropped"
    if isinstance(value, list):
        return "bad_field"
    same = [each for each in rule.get("in") or rule["notIn"] if isinstance(each, bool) == isinstance(value, bool)]
    listed = any(each == value for each in same)
    return "kept" if listed == ("in" in rule) else "dropped"


def item(path: str, value: Any) -> Item:
    *parents, name = path.split(".")
    fields: Any = {} if value is None else {name: value}
    for parent in reversed(parents):
        fields = {parent: fields}
    return Item("k", 0, "g", 1.0, fields=fields)


@given(rule=rules(), value=VALUES)
def test_006_f01_f04_a_rule_decides_as_its_documentation_says(rule: dict[str, Any], value: Any) -> None:
    (made,) = ready([Rule.model_validate(rule)])
    verdict = made.judge(item(rule["field"], value))
    wanted = expected(rule, value)
    match verdict:
        case None:
            assert wanted == "kept"
        case Filtered(reason, message):
            assert (wanted, reason) == ("dropped", "r")
            assert rule["field"] in message
        case Failed(reason, message):
            assert wanted == reason
            assert rule["field"] in message


@given(st.lists(st.tuples(rules(), VALUES), min_size=1, max_size=5))
def test_the_first_rule_that_does_not_keep_an_item_decides(told: list[tuple[dict[str, Any], Any]]) -> None:
    named = [{**rule, "name": f"r{number}", "field": f"f{number}"} for number, (rule, _) in enumerate(told)]
    fields = {f"f{number}": value for number, (_, value) in enumerate(told) if value is not None}
    verdict = judge(ready(FilterBlock.model_validate({"rules": named}).rules), Item("k", 0, "g", 1.0, fields=fields))
    wanted = [expected(rule, value) for rule, (_, value) in zip(named, told, strict=True)]
    first = next((number for number, word in enumerate(wanted) if word != "kept"), None)
    if first is None:
        assert verdict is None
    else:
        assert verdict is not None
        assert verdict.reason == (f"r{first}" if wanted[first] == "dropped" else wanted[first])


@pytest.mark.parametrize(
    ("rule", "value", "message"),
    [
        ({"name": "too_dark", "field": "measures.luma", "min": 16}, 15.25, "measures.luma is 15.25; min is 16"),
        ({"field": "length", "min": "2s", "max": "1m"}, 61.5, "length is 61.5; max is 60"),
        ({"field": "codec", "in": ["h264", "hevc"]}, "vp9", "codec is 'vp9'; it must be one of 'h264', 'hevc'"),
        ({"field": "codec", "notIn": ["vp9"]}, "vp9", "codec is 'vp9'; it must be none of 'vp9'"),
        ({"field": "text", "matches": "^a"}, "bee", "text is 'bee'; it must match ^a"),
        ({"field": "text", "notMatches": "e+"}, "bee", "text is 'bee'; it must not match e+"),
        ({"field": "x", "min": 1, "missing": "drop"}, None, "x is missing"),
        ({"field": "text", "minWords": 3}, "a  bee\n", "text is 'a  bee\\n'; it has 2 words; minWords is 3"),
        ({"field": "text", "maxWords": 1}, "a bee", "text is 'a bee'; it has 2 words; maxWords is 1"),
        ({"field": "text", "minCharacters": 4}, " 猫が ", "text is ' 猫が '; it has 2 characters; minCharacters is 4"),
        ({"field": "text", "maxCharacters": 2}, "bee", "text is 'bee'; it has 3 characters; maxCharacters is 2"),
    ],
)
def test_006_f02_a_dropped_item_is_told_its_value_and_the_limit(rule: dict[str, Any], value: Any, message: str) -> None:
    (made,) = ready([Rule.model_validate(rule)])
    assert made.judge(item(rule["field"], value)) == Filtered(made.name, message)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "12", "NaN", True, [1], {"a": 1}])
def test_006_f03_what_is_no_finite_number_never_passes_a_limit(value: Any) -> None:
    for rule in ({"min": 0}, {"max": 0}, {"min": 0, "missing": "keep"}, {"max": 0, "missing": "drop"}):
        (made,) = ready([Rule.model_validate({"field": "x", **rule})])
        verdict = made.judge(item("x", value))
        assert isinstance(verdict, Failed)
        assert verdict.reason == ItemReason.BAD_FIELD


def test_a_value_just_below_a_limit_is_not_shown_as_the_limit() -> None:
    (made,) = ready([Rule.model_validate({"field": "x", "min": 16})])
    verdict = made.judge(item("x", 15.999999999999998))
    assert verdict == Filtered("x", "x is 15.999999999999998; min is 16")


def test_items_have_fields_of_their_own_besides_those_of_their_row() -> None:
    (size, duration) = ready(
        [Rule.model_validate(rule) for rule in ({"field": "media.size", "max": 5}, {"field": "duration", "min": 2})]
    )
    clip = Item("k", 0, "g", 1.0, Media("a", 6, span=Span(1.0, 2.5)))
    assert size.judge(clip) == Filtered("size", "media.size is 6; max is 5")
    assert duration.judge(clip) == Filtered("duration", "duration is 1.5; min is 2")
    assert duration.judge(Item("k", 0, "g", 1.0, fields={"start": 1, "end": 4})) is None
    assert isinstance(duration.judge(Item("k", 0, "g", 1.0)), Failed)


def test_006_f06_a_pattern_that_makes_other_engines_hang_is_matched_at_once() -> None:
    (made,) = ready([Rule.model_validate({"field": "text", "matches": "^(a+)+$"})])
    assert isinstance(made.judge(item("text", "a" * 200_000 + "b")), Filtered)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"field": "x"}, "a rule needs a condition"),
        ({"field": "x", "min": 2, "max": 1}, "no item would be kept"),
        ({"field": "x", "min": math.nan}, "finite"),
        ({"field": "x", "max": math.inf}, "finite"),
        ({"field": "x", "max": 10**400}, "finite"),
        ({"field": "x", "in": ["a", math.nan]}, "finite"),
        ({"field": "x", "in": [None]}, "must be a number"),
        ({"field": "x", "min": "soon"}, "neither a number nor a duration"),
        ({"field": "x", "min": "16"}, "without quotes"),
        ({"field": "x", "min": "10%"}, "write 1000 or 0.1"),
        ({"field": "x", "min": "-2s"}, "neither a number nor a duration"),
        ({"field": "x", "min": "\u0967s"}, "neither a number nor a duration"),
        ({"field": "x", "min": "2s\n"}, "neither a number nor a duration"),
        ({"field": "x", "minWords": 2, "maxWords": 1}, "minWords 2 is more than maxWords 1"),
        ({"field": "x", "minCharacters": -1}, "greater than or equal to 0"),
        ({"field": "x", "minWords": 2.5}, "integer"),
        ({"field": "x", "minWords": 2, "max": 1}, "a number or a text"),
        ({"field": "x", "min": True}, "number"),
        ({"field": "x", "min": 1, "matches": "a"}, "a number or a text"),
        ({"field": "x", "matches": r"(a)\1"}, "linear time"),
        ({"field": "x", "matches": "(?=a)"}, "linear time"),
        ({"field": "x", "matches": "((a{99}){99}){99}"}, "linear time"),
        ({"field": "x", "matches": "("}, "linear time"),
        ({"field": "x", "in": []}, "at least 1"),
        ({"field": "x", "min": 1, "name": "Too dark"}, "snake_case"),
        ({"field": "Größe", "min": 1}, "give this rule a name"),
        ({"field": "x", "min": 1, "name": "too_short"}, "means something else"),
        ({"field": "x", "min": 1, "missing": "skip"}, "keep"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(rule: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError) as caught:
        FilterBlock.model_validate({"rules": [rule]})
    assert why in str(caught.value)


def test_ids_of_64_bits_are_compared_exactly() -> None:
    number = 2**53 + 1  # the nearest float is 2**53
    for rule in ({"in": [number]}, {"min": number, "max": number}):
        (made,) = ready([Rule.model_validate({"field": "x", **rule})])
        assert made.judge(item("x", number)) is None
        for other in (number - 1, number + 1, float(number)):
            assert isinstance(made.judge(item("x", other)), Filtered)


def test_limits_that_were_always_exact_have_the_key_that_they_always_had() -> None:
    rule = {"field": "x", "min": 1, "max": "2m", "in": [3, 4.5, "3", True]}
    made = FilterBlock.model_validate({"rules": [rule]}).canonical()
    assert repr(made) == "{'rules': [{'field': 'x', 'min': 1.0, 'max': 120.0, 'in': [3.0, 4.5, '3', True]}]}"


def test_two_rules_of_one_name_are_refused() -> None:
    same = [{"field": "measures.x", "min": 1}, {"field": "x", "max": 3}]
    assert FilterBlock.model_validate({"rules": same}).refusals() == ["2 rules have the name 'x': give each its own"]


def test_a_limit_has_one_canonical_form_however_it_is_written() -> None:
    forms = [
        FilterBlock.model_validate({"rules": [{"field": "x", "min": each}]}) for each in (90, 90.0, "90s", "1m30s")
    ]
    assert len({str(form.canonical()) for form in forms}) == 1
