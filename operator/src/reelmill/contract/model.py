"""Base class of all contract models: immutable, no unknown fields, camelCase in YAML and JSON.

The CRD, the editor schema and the field reference take their descriptions from the attribute docstrings of models
(`reelmill.schema.descriptions`).
"""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


def camel(name: str) -> str:
    """Convert to camelCase: `min_length` -> `minLength`; digits do not start a new word: `clip4mc` is unchanged."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


class Model(BaseModel):
    """Immutable model that rejects unknown fields; `snake_case` in Python is `camelCase` in YAML and JSON."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    def replace(self, **fields: Any) -> Self:
        """Return a copy with other values for the given fields (Python names), or the model itself if nothing changes.

        The values are not validated: mypy checks names and types (`tests/typed_replace.py`). Raises TypeError for an
        unknown field.
        """
        if unknown := fields.keys() - type(self).model_fields.keys():
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        if all(getattr(self, name) is value for name, value in fields.items()):
            return self
        return self.model_copy(update=fields)


FORM = Model.model_config.copy()
"""Configuration of models, also used for dataclasses that occur a hundred thousand times in records."""
del FORM["frozen"]  # set by the dataclass decorator
