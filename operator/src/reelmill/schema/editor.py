"""The JSON Schema for editors, for completion, documentation and validation."""

from typing import Any

from reelmill.contract.spec.block import SourceBlock, StageBlock
from reelmill.contract.spec.pipeline import SourceSpec, StageSpec, VideoPipeline, members
from reelmill.schema.descriptions import DescribedJsonSchema
from reelmill.schema.inline import INT_OR_STRING


def editor() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a pipeline file."""
    schema = VideoPipeline.model_json_schema(by_alias=True, schema_generator=DescribedJsonSchema)
    definitions = schema["$defs"]
    for model, kind in ((SourceSpec, SourceBlock), (StageSpec, StageBlock)):
        definitions[model.__name__]["oneOf"] = [{"required": [name]} for name in members(model, kind)]
    _use_standard_types(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _use_standard_types(node: Any) -> None:
    """Replace Kubernetes extensions by standard JSON Schema: an int-or-string may be a number or a string."""
    if isinstance(node, dict):
        if node.pop(INT_OR_STRING, False):
            node["type"] = ["string", "number"]
        for child in node.values():
            _use_standard_types(child)
    elif isinstance(node, list):
        for child in node:
            _use_standard_types(child)
