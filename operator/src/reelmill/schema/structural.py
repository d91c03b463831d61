"""Conversion of a schema tree to a Kubernetes structural schema.

A structural schema does not support fields of several types (except for int-or-string), `exclusiveMinimum` and
`exclusiveMaximum` as numbers, and `additionalProperties: false` together with `properties`. Defaults are mentioned in
descriptions only: the API server would write them into objects, where they would persist across releases and look like
choices of the user.
"""

import json

from reelmill.schema.inline import INT_OR_STRING, Schema

PRESERVE = "x-kubernetes-preserve-unknown-fields"
_TYPES = "type", "properties", "items", "additionalProperties", "description", "nullable"


def structural(node: Schema) -> Schema:
    """A tree from `inline.tree` as an `openAPIV3Schema`."""
    out = {name: value for name, value in node.items() if name != "default"}
    if text := _description(node):
        out["description"] = text
    if out.get("additionalProperties") is False:
        del out["additionalProperties"]
    if out.get("additionalProperties") is True:
        del out["additionalProperties"]
        out[PRESERVE] = True
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if type(out.get(exclusive)) in (int, float):
            out[bound], out[exclusive] = out[exclusive], True
    if out.get("type") == "integer":
        out["format"] = "int64"
    if out.pop(INT_OR_STRING, False):
        del out["type"]
        out |= {INT_OR_STRING: True, "anyOf": [{"type": "integer"}, {"type": "string"}]}
    elif "anyOf" in out:
        out |= _merged_choices(out.pop("anyOf"))
    if "properties" in out:
        out["properties"] = {name: structural(child) for name, child in out["properties"].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(out.get(name), dict):
            out[name] = structural(out[name])
    return _lists(out)


def _merged_choices(choices: list[Schema]) -> Schema:
    types = {choice["type"] for choice in choices}
    if len(types) == 1:
        return {"type": types.pop(), "anyOf": [_bounds(choice) for choice in choices]}
    if types == {"integer", "string"}:
        # Bounds of both types can be combined: those of numbers do not apply to strings, and vice versa.
        bounds = {name: value for choice in choices for name, value in _bounds(choice).items() if name != "enum"}
        words = [word for choice in choices for word in choice.get("enum", ())]
        pattern = {"pattern": f"^({'|'.join(words)})$"} if words else {}
        return {INT_OR_STRING: True, "anyOf": [{"type": "integer"}, {"type": "string"}], **bounds, **pattern}
    return {PRESERVE: True}


def _bounds(choice: Schema) -> Schema:
    return {name: value for name, value in choice.items() if name not in _TYPES}


def _lists(node: Schema) -> Schema:
    """Lists of named objects are merged by name; lists of plain values are atomic."""
    if node.get("type") != "array":
        return node
    item = node["items"]
    named = "name" in item.get("required", ())
    kind = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]} if named else {}
    return {**node, **(kind or {"x-kubernetes-list-type": "atomic"})}


def _description(node: Schema) -> str:
    words = [" ".join(str(node.get("description", "")).split())]
    if "default" in node and not isinstance(node["default"], dict):
        words.append(f"Default: {json.dumps(node['default'])}.")
    return " ".join(filter(None, words))
