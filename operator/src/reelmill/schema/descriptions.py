"""JSON Schema with the attribute docstrings of models as descriptions.

pydantic supports this (`use_attribute_docstrings`), but then each process that imports a model parses its source, which
takes a third of the import time of a pipeline's models. Only schemas need the docstrings.
"""

import ast
import inspect
import sys
from functools import cache
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue


class DescribedJsonSchema(GenerateJsonSchema):
    """A generator for `model_json_schema(schema_generator=…)`."""

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        """The schema of a model, with a description of each of its fields that has a docstring."""
        made = super().model_schema(schema)
        cls: Any = schema["cls"]
        texts = docstrings(cls)
        for name, field in cls.model_fields.items():
            child = made.get("properties", {}).get(field.alias if self.by_alias and field.alias else name)
            if name in texts and child is not None:
                child.setdefault("description", texts[name])
        return made


@cache
def docstrings(cls: Any) -> dict[str, str]:
    """Name of an attribute -> its docstring: the string literal after its annotation, in the class or in a base."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        module = sys.modules.get(base.__module__)
        file = getattr(module, "__file__", None)
        if file and base.__module__.partition(".")[0] not in ("builtins", "pydantic", "abc"):
            found |= _field_docstrings(file).get(base.__qualname__, {})
    return found


@cache
def _field_docstrings(file: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(Path(file).read_bytes())
    return {node.name: _class_docstrings(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _class_docstrings(node: ast.ClassDef) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, text in zip(node.body, node.body[1:], strict=False):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(words))),
            ):
                found[name] = inspect.cleandoc(words)
    return found
