"""pydantic's JSON Schema as a tree, with references resolved and without `null` for optional fields."""

from typing import Any

from pydantic import BaseModel

from reelmill.schema.descriptions import DescribedJsonSchema

Schema = dict[str, Any]

NULL = {"type": "null"}
INT_OR_STRING = "x-kubernetes-int-or-string"


def tree(model: type[BaseModel]) -> Schema:
    """The schema of a model with every `$ref` resolved, without titles, and with `X | None` as an optional X."""
    whole = model.model_json_schema(by_alias=True, schema_generator=DescribedJsonSchema)
    return _node(whole, whole.get("$defs", {}))


def _node(node: Schema, defs: Schema) -> Schema:
    if "$ref" in node:
        target = defs[node["$ref"].rsplit("/", 1)[1]]
        return _node({**target, **{name: value for name, value in node.items() if name != "$ref"}}, defs)
    out = {name: value for name, value in node.items() if name not in {"title", "$defs", "default"}}
    if node.get("default") is not None:
        out["default"] = node["default"]
    if "anyOf" in out:
        choices = [_node(choice, defs) for choice in out.pop("anyOf") if choice != NULL]
        out = {**choices[0], **out} if len(choices) == 1 else {**out, "anyOf": choices}
    if "const" in out:
        out["enum"] = [out.pop("const")]
    if "properties" in out:
        out["properties"] = {name: _node(child, defs) for name, child in out["properties"].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(out.get(name), dict):
            out[name] = _node(out[name], defs)
    return out
