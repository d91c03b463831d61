"""The base of every contract model: immutable, strict about field names, camelCase on the wire.

Attribute docstrings are the documentation: the CRD, the editor schema and the field reference are made from them.
"""

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
