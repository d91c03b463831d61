"""The base of every contract model: immutable, strict about field names, camelCase on the wire.

Attribute docstrings are the documentation: the CRD, the editor schema and the field reference are made from them.
"""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """Frozen model; unknown fields are refused; `snake_case` in Python is `camelCase` in YAML and JSON."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )
