"""All errors of a pipeline file: line, path of the field, problem, and hint."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from reelmill.cli.input.document import YamlDocument
from reelmill.contract.errors import SpecError
from reelmill.contract.spec.pipeline import VideoPipeline
from reelmill.contract.text.urls import without_secrets

if TYPE_CHECKING:
    from reelmill.schema.inline import Schema

NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
MOST = 100
"""Maximum number of problems reported at once."""
_SHOWN = 200
"""Maximum length of a value in a message, in characters."""
_WORDS = {
    "string_type": "must be a string; put it in quotes",
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
}


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
    found: dict[tuple[str | int, ...], FieldProblem] = {}
    details = error.errors(include_url=False)
    for detail in details[:MOST]:
        path = _document_path(detail["loc"], document.data, tree_of_pipeline())
        missing = detail["type"] == "missing"
        what, hint = _unknown_field(path) if detail["type"] == "extra_forbidden" else (_problem_text(detail), "")
        line = document.line(path[:-1] if missing else path)
        problem = FieldProblem(document.file, line, dotted(path), what, hint)
        if (known := found.get(path)) is None:
            found[path] = problem
        elif known.what != what:
            found[path] = FieldProblem(document.file, line, known.path, f"{known.what}, or {what}")
    problems = sorted(found.values(), key=lambda problem: problem.line)
    if (left := len(details) - MOST) > 0:
        problems.append(FieldProblem(document.file, problems[-1].line, "", f"and {left} more; correct these first"))
    return problems


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
        near = get_close_matches(str(given), choices, n=1, cutoff=0.5)
        ask = f"; did you mean {near[0]}?" if near else ""
        if near and near[0] == given:
            ask = f"; write {given} without quotes"
        return f"{_value_text(given)} is not one of {', '.join(choices)}{ask}"
    if kind == "string_pattern_mismatch":
        if context["pattern"] == NAME_PATTERN:
            return f"{_value_text(given)} is not a valid name: use lower-case letters, digits and hyphens"
        return f"{_value_text(given)} does not match {context['pattern']}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        return _WORDS[kind]
    if kind == "invalid_key":
        return f"the name of a field must be a string; put {_value_text(str(given))} in quotes"
    words = _WORDS.get(kind, str(detail["msg"]).replace("Input should", "should"))
    return f"{_value_text(given)} {words}" if isinstance(given, str | int | float) else words


def _value_text(value: object) -> str:
    text = without_secrets(repr(value))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
