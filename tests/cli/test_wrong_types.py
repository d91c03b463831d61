"""A value of a wrong type in any field of a pipeline file is refused in plain words, with the path of the field."""

import copy
import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from reelmill.cli.input.document import parse
from reelmill.cli.input.pipeline import validated_document
from reelmill.cli.input.problems import FieldProblem, FieldProblems, tree_of_pipeline
from reelmill.contract.errors import SpecError

FieldPath = tuple[str | int, ...]

WRONG: Mapping[str, Any] = {
    "null": None,
    "a boolean": True,
    "a huge number": 10**40,
    "not a number": float("nan"),
    "text": "zzz",
    "no text": "",
    "an empty list": [],
    "a list": [None],
    "a mapping": {"zzzz": 1},
    "a name that is a number": {1: 2},
    "a date": datetime.date(2026, 1, 1),
    "bytes": b"abc",
    "a set": {1, 2},
}
FOREIGN = re.compile(r"Input|validation|pydantic|datetime|None\b|True\b|False\b|\bset\(|[{}]|b'")
"""Words of pydantic and of Python, neither of which the reader of a YAML file knows."""
PIPELINE = """
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: demo}
spec:
  store: {uri: /no/store}
  sources: [{name: raw, files: {uri: /no/videos}}]
  stages: [{name: clips, from: [raw], clip: {}}]
"""


def fields(schema: Mapping[str, Any], path: FieldPath = ()) -> Iterator[FieldPath]:
    """Paths of all fields, entries and values in a schema; 0 is any entry, and `name` any name."""
    for each in ("anyOf", "oneOf", "allOf"):
        for member in schema.get(each, ()):
            yield from fields(member, path)
    children = dict(schema.get("properties", {}))
    if isinstance(schema.get("additionalProperties"), Mapping):
        children["name"] = schema["additionalProperties"]
    for name, child in children.items():
        yield (*path, name)
        yield from fields(child, (*path, name))
    if "items" in schema:
        yield (*path, 0)
        yield from fields(schema["items"], (*path, 0))


def document(path: FieldPath, value: Any) -> dict[str, Any]:
    """The pipeline with a value in this field."""
    found: dict[str, Any] = yaml.safe_load(PIPELINE)
    for kind, default in (("sources", "files"), ("stages", "clip")):
        if path[:2] == ("spec", kind) and len(path) > 3 and path[3] != default:
            found["spec"][kind][0].pop(default)
    at: Any = found
    for part, following in zip(path, (*path[1:], None), strict=True):
        if isinstance(part, int) and not at:
            at.append(None)
        if following is None:
            at[part] = value
            break
        wanted = list if isinstance(following, int) else dict
        if not isinstance(at[part] if isinstance(part, int) else at.get(part), wanted):
            at[part] = wanted()
        at = at[part]
    return found


def problems(text: str) -> list[FieldProblem] | list[SpecError]:
    try:
        validated_document(parse(text, "pipeline.yaml"))
    except FieldProblems as error:
        return list(error.problems)
    except SpecError as error:
        return [error]
    return []


PATHS = sorted(set(fields(tree_of_pipeline())), key=str)


def test_a_value_of_a_wrong_type_is_refused_in_plain_words() -> None:
    values = list(WRONG.values())
    for number, path in enumerate(PATHS):
        value = values[number % len(values)]
        for problem in problems(yaml.safe_dump(document(path, copy.deepcopy(value)))):
            assert not FOREIGN.search(problem.what), (path, problem.what)


def test_text_of_a_wrong_form_is_refused_without_a_regular_expression() -> None:
    for path in PATHS:
        for problem in problems(yaml.safe_dump(document(path, "?!"))):
            assert "does not match" not in problem.what, (path, problem.what)


def test_a_source_without_a_block_that_has_a_secret_is_refused() -> None:
    text = PIPELINE.replace("files: {uri: /no/videos}", "s3: {secretRef: {name: keys}}")
    (problem,) = problems(text)
    assert problem.what.startswith("exactly one of files, table")


@pytest.mark.parametrize(
    ("block", "sentence"),
    {
        "pack: {samplesPerTar: true}": "true must be a whole number",
        'pack: {samplesPerTar: "12"}': "'12' must be a whole number; write 12",
        "pack: {samplesPerTar: 1e3}": "'1e3' must be a whole number; write 1000",
        "frames: {fps: true}": "true must be a number",
        'frames: {all: "yes"}': "'yes' must be true or false",
        "frames: {all: 1}": "1 must be true or false",
        "frames: {splits: {}}": "unknown field",
    }.items(),
)
def test_booleans_and_text_are_no_numbers_as_in_the_crd(block: str, sentence: str) -> None:
    (problem,) = problems(PIPELINE.replace("clip: {}", block))
    assert problem.what == sentence


def test_a_number_with_a_fraction_of_zero_is_whole() -> None:
    assert not problems(PIPELINE.replace("clip: {}", "pack: {samplesPerTar: 12.0}"))
