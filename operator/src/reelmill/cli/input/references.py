"""Errors in the `from` of stages of a file whose fields have errors, too, so that both are reported together."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.field_types import Name
from reelmill.plan.definition.graph import wrong_references


class _Named(BaseModel):
    """A source or stage, of which only the names are read."""

    name: Name
    from_: Annotated[list[Name], Field(alias="from", max_length=16)] = Field(default_factory=list)


class _Names(BaseModel):
    sources: Annotated[list[_Named], Field(max_length=16)]
    stages: Annotated[list[_Named], Field(max_length=32)]


def reference_errors(data: dict[str, Any]) -> list[SpecError]:
    """One SpecError for each wrong entry of a `from`; none if the names themselves have errors."""
    try:
        names = _Names.model_validate(data.get("spec"))
    except ValidationError:
        return []
    known = [source.name for source in names.sources]
    later = [stage.name for stage in names.stages]
    errors = []
    for number, stage in enumerate(names.stages):
        errors += wrong_references(stage.from_, stage.name, known, later, f"spec.stages[{number}].from")
        known.append(stage.name)
    return errors
