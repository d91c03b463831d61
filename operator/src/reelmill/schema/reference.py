"""The field reference as Markdown: every field of a pipeline with its type, default and meaning."""

import json
from collections.abc import Iterator

from reelmill.contract.spec.block import SourceBlock, StageBlock
from reelmill.contract.spec.pipeline import SourceSpec, Spec, StageSpec, members
from reelmill.schema.inline import INT_OR_STRING, Schema, tree

HEAD = """# Field reference

Generated from the models by `make generate`. Do not edit this page. Fields in **bold** are required if the object that
contains them is given. An omitted field has the default shown. [Concepts](concepts.md) explains how the fields work
together.
"""


def reference() -> str:
    """The page."""
    spec = tree(Spec)
    sources, stages = spec["properties"]["sources"]["items"], spec["properties"]["stages"]["items"]
    source_blocks, stage_blocks = members(SourceSpec, SourceBlock), members(StageSpec, StageBlock)
    parts = [HEAD, *_section("spec", "", spec, skip=("sources", "stages", "defaults"))]
    parts += [
        "## spec.defaults\n",
        "Defaults for the placement and resources of all stages' pods.\n",
    ]
    parts += _section("spec.sources[]", "", sources, skip=source_blocks)
    for name in source_blocks:
        parts += _section(f"spec.sources[].{name}", "", sources["properties"][name])
    parts += _section("spec.stages[]", "", stages, skip=stage_blocks)
    for name in stage_blocks:
        parts += _section(f"spec.stages[].{name}", "", stages["properties"][name])
    return "\n".join(parts)


def _section(title: str, prefix: str, node: Schema, skip: tuple[str, ...] | list[str] = ()) -> Iterator[str]:
    yield f"## {title}\n"
    if text := node.get("description"):
        yield f"{_line(text)}\n"
    yield "| field | type | default | meaning |\n| --- | --- | --- | --- |"
    yield from _rows(node, prefix, skip)
    yield ""


def _rows(node: Schema, prefix: str, skip: tuple[str, ...] | list[str]) -> Iterator[str]:
    required = node.get("required", ())
    for name, child in node["properties"].items():
        if name in skip:
            continue
        label = f"**{prefix}{name}**" if name in required else f"{prefix}{name}"
        meaning = _line(child.get("description", ""))
        yield f"| {label} | {_type(child)} | {_default(child)} | {meaning} |"
        if "properties" in child:
            yield from _rows(child, f"{prefix}{name}.", ())
        elif "properties" in child.get("items", {}):
            yield from _rows(child["items"], f"{prefix}{name}[].", ())


def _type(node: Schema) -> str:
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(_type(choice) for choice in node["anyOf"]))
    if node.get(INT_OR_STRING):
        return "number or string"
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    if node.get("type") == "array":
        return f"list of {_type(node['items'])}"
    if node.get("type") == "object":
        values = node.get("additionalProperties")
        return f"map to {_type(values)}" if isinstance(values, dict) else "object"
    return str(node.get("type", "any")) + _range(node)


def _range(node: Schema) -> str:
    low, above, high, below = (
        node.get(name) for name in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
    )
    first = f"> {above}" if above is not None else f">= {low}" if low is not None else ""
    last = f"< {below}" if below is not None else f"<= {high}" if high is not None else ""
    return f" {', '.join(filter(None, (first, last)))}" if first or last else ""


def _default(node: Schema) -> str:
    default = node.get("default")
    return "" if default is None or default == "" or isinstance(default, dict) else f"`{json.dumps(default)}`"


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
