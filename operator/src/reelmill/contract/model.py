"""The base of every contract model: immutable, strict about field names, camelCase on the wire.

Attribute docstrings are the documentation: the CRD, the editor schema and the field reference are made from them.
"""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


def camel(name: str) -> str:
    """`min_length` -> `minLength`; a digit begins no new word, so `clip4mc` stays as it is."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


class Model(BaseModel):
    """Frozen model; unknown fields are refused; `snake_case` in Python is `camelCase` in YAML and JSON."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )

    def replace(self, **fields: Any) -> Self:
        """A copy in which these fields, by their names in Python, have other values.

        The values are not validated: mypy checks names and types (`tests/typed_replace.py`). Raises TypeError for a
        field that the model does not have.
        """
        if unknown := fields.keys() - type(self).model_fields.keys():
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        return self.model_copy(update=fields)
