"""All errors of a pipeline file: line, path of the field, problem, and hint."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from reelmill.cli.input import patterns
from reelmill.cli.input.document import YamlDocument
from reelmill.contract.errors import SpecError
from reelmill.contract.spec.pipeline import VideoPipeline
from reelmill.contract.text.quantities import count_of
from reelmill.contract.text.urls import without_secrets

if TYPE_CHECKING:
    from reelmill.schema.inline import Schema

MOST = 100
"""Maximum number of problems reported at once."""
_SHOWN = 200
"""Maximum length of a value in a message, in characters."""
_WORDS = {
    "string_type": "must be a string",
    "missing": "is missing",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of names to values",
    "model_type": "must be a mapping of fields",
    "int_parsing_size": "has too many digits",
}
_LENGTHS = {
    "string_too_short": (("character", "characters"), "min_length"),
    "string_too_long": (("character", "characters"), "max_length"),
    "too_short": (("entry", "entries"), "min_length"),
    "too_long": (("entry", "entries"), "max_length"),
}
"""Kind of error of pydantic -> what is counted, and which bound it breaks."""
_COLLECTIONS = ((list | tuple, "a list"), (Mapping, "a mapping"), (set, "a set"))


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One error. `path` has the form `spec.stages[1].frames.count`; `line` counts from 1."""

    file: str
    line: int
    path: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f"; {self.hint}" if self.hint else ""
        path = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}: {path}{self.what}{hint}"

    def to_json(self) -> dict[str, Any]:
        return {"file": self.file, "line": self.line, "path": self.path, "problem": self.what, "hint": self.hint}


class FieldProblems(SpecError):
    """All errors of a file."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        first = problems[0]
        super().__init__(first.what, where=f"{first.file}:{first.line}: {first.path}", hint=first.hint)
        self.problems = tuple(problems)


def from_validation(error: ValidationError, document: YamlDocument) -> list[FieldProblem]:
    """One problem for each field that the models reject; errors of all members of a union are merged into one."""
    of_field: dict[tuple[str | int, ...], list[Any]] = {}
    details = error.errors(include_url=False)
    for detail in details[:MOST]:
        path = _document_path(detail["loc"], document.data, tree_of_pipeline())
        of_field.setdefault(path, []).append(detail)
    found = [_field_problem(document, path, of_one) for path, of_one in of_field.items()]
    problems = sorted(found, key=lambda problem: problem.line)
    if (left := len(details) - MOST) > 0:
        problems.append(FieldProblem(document.file, problems[-1].line, "", f"and {left} more; correct these first"))
    return problems


def _field_problem(document: YamlDocument, path: tuple[str | int, ...], details: Sequence[Any]) -> FieldProblem:
    kinds = {detail["type"] for detail in details}
    line = document.line(path[:-1] if kinds == {"missing"} else path)
    if kinds == {"extra_forbidden"}:
        return FieldProblem(document.file, line, dotted(path), *_unknown_field(path))
    return FieldProblem(document.file, line, dotted(path), _union_text(details))


def from_spec(errors: Sequence[SpecError], document: YamlDocument) -> list[FieldProblem]:
    """The planner's errors with their lines."""
    return [
        FieldProblem(document.file, document.line(split(error.where)), error.where, error.what, error.hint)
        for error in errors
    ]  # fmt: skip


def dotted(path: Sequence[str | int]) -> str:
    """`("spec", "stages", 1, "clip")` -> `spec.stages[1].clip`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def split(path: str) -> tuple[str | int, ...]:
    """The inverse of `dotted`."""
    return tuple(
        int(number) if number else name for name, number in re.findall(r"([^.\[\]]+)(?<!\])|\[(\d+)\]", path)
    )  # fmt: skip


@cache
def tree_of_pipeline() -> "Schema":
    """The JSON schema of a pipeline file."""
    from reelmill.schema.inline import tree  # only files with problems need the schema

    return tree(VideoPipeline)


def _document_path(location: Sequence[str | int], data: Any, schema: "Schema") -> tuple[str | int, ...]:
    """The location without the names that pydantic inserts for the members of a union."""
    path: list[str | int] = []
    for part in location:
        if isinstance(data, list) and isinstance(part, int):
            data = data[part] if part < len(data) else None
            schema = schema.get("items", {})
        elif isinstance(data, dict) and (part in data or _child_schema(schema, part)):
            data = data.get(part)
            schema = _child_schema(schema, part)
        else:
            continue
        path.append(part)
    return tuple(path)


def _child_schema(schema: "Schema", name: str | int) -> "Schema":
    for node in (schema, *schema.get("anyOf", ())):
        if name in node.get("properties", {}):
            child: Schema = node["properties"][name]
            return child
    values = schema.get("additionalProperties")
    return values if isinstance(values, dict) else {}


def _unknown_field(path: Sequence[str | int]) -> tuple[str, str]:
    schema = tree_of_pipeline()
    for part in path[:-1]:
        schema = schema.get("items", {}) if isinstance(part, int) else _child_schema(schema, part)
    names = sorted({name for node in (schema, *schema.get("anyOf", ())) for name in node.get("properties", {})})
    near = get_close_matches(str(path[-1]), names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known fields: {', '.join(names)}"
    return "unknown field", hint


def _problem_text(detail: Any) -> str:
    given = detail.get("input")
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "literal_error":
        choices = [choice.strip("'") for choice in re.split(r", | or ", context["expected"])]
        near = get_close_matches(str(given), choices, n=1, cutoff=0.5) if isinstance(given, str | int | float) else []
        ask = f"; did you mean {near[0]}?" if near else ""
        if near and near[0] == given:
            ask = f"; write {given} without quotes"
        return f"{value_text(given)} is not one of {', '.join(choices)}{ask}"
    if kind == "string_pattern_mismatch":
        pattern = context["pattern"]
        return f"{value_text(given)} {patterns.WORDS.get(pattern, f'does not match {pattern}')}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        return _WORDS[kind]
    if kind == "invalid_key":
        return f"the name of a field must be a string; put {value_text(str(given))} in quotes"
    if kind in _LENGTHS:
        return _length_text(given, kind, context)
    words = _WORDS.get(kind, str(detail["msg"]).replace("Input should", "should"))
    ask = ""
    if kind == "string_type" and isinstance(given, int | float | date):
        ask = "; put it in quotes"
    elif kind in ("int_type", "float_type") and (number := _number_in(given)):
        ask = f"; write {number}"
    return f"{_with_value(given, words)}{ask}"


def _number_in(given: Any) -> str:
    """The number that a text contains, as YAML and JSON write it; "" without one."""
    try:
        number = float(given) if isinstance(given, str) else nan
    except ValueError:
        return ""
    if not isfinite(number):
        return ""
    return f"{number:.0f}" if number.is_integer() and abs(number) < 1e15 else repr(number)


def _union_text(details: Sequence[Any]) -> str:
    """One sentence about a value that no member of a union accepts."""
    texts = list(dict.fromkeys(map(_problem_text, details)))
    if len(texts) == 1:
        return texts[0]
    if near := next((text for text in texts if "; did you mean" in text), ""):
        return near
    wanted = list(dict.fromkeys(map(_wanted_text, details)))
    if not all(wanted):
        return ", or ".join(texts)
    return _with_value(details[0].get("input"), f"must be {', or '.join(wanted)}")


def _wanted_text(detail: Any) -> str:
    """What a member of a union accepts: `a list`, `cpu or gpu`; empty for other errors than a wrong type."""
    if detail["type"] == "literal_error":
        return str(detail["ctx"]["expected"]).replace("'", "")
    return _WORDS.get(detail["type"], "").removeprefix("must be ")


def _with_value(given: Any, words: str) -> str:
    if isinstance(given, str | int | float | date):
        return f"{value_text(given)} {words}"
    return f"{words}, not {value_text(given)}"


def _length_text(given: Any, kind: str, context: Mapping[str, Any]) -> str:
    """What a text or list of a wrong length must have, instead of pydantic's message."""
    names, limit = _LENGTHS[kind]
    bound = context[limit]
    if not given and bound == 1:
        return "must not be empty"
    return f"must have at {'least' if limit == 'min_length' else 'most'} {count_of(bound, *names)}, not {len(given):,}"


def value_text(value: object) -> str:
    """A value of a document in a message: scalars as YAML has them, collections by their kind."""
    if value is None or isinstance(value, bool):
        text = json.dumps(value)
    elif isinstance(value, float):
        text = {"nan": ".nan", "inf": ".inf", "-inf": "-.inf"}.get(repr(value), repr(value))
    elif isinstance(value, str | int):
        text = without_secrets(repr(value))
    elif isinstance(value, date):
        text = value.isoformat()
    else:
        text = next((name for kinds, name in _COLLECTIONS if isinstance(value, kinds)), "binary data")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
