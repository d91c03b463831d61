"""Generator of the table of values in the chart's README, from values.yaml and the schema.

`make generate` writes it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from repo.tree import ROOT

Json = dict[str, Any]
CHART = ROOT / "charts/reelmill"
_EXAMPLE = re.compile(r"\w+: [\[{]")
MARKS = "<!-- generated: values -->\n", "<!-- /generated -->\n"
DEPTH = 3


@dataclass(frozen=True)
class Value:
    path: str
    default: str
    meaning: str


def table(text: str, schema: Json) -> str:
    """The values of a values.yaml with their comments or, without a comment, the description in the schema."""
    lines = text.splitlines()
    document = yaml.compose(text)
    assert isinstance(document, yaml.MappingNode)
    rows = ["| value | default | meaning |", "| --- | --- | --- |"]
    for value in _values(document, "", lines):
        meaning = value.meaning or str(_described(schema, value.path).get("description", ""))
        rows.append(f"| `{value.path}` | {value.default} | {meaning} |")
    return "\n".join(rows) + "\n"


def filled() -> str:
    """The README with the table between its marks."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    head, _, rest = (CHART / "README.md").read_text().partition(MARKS[0])
    told = table((CHART / "values.yaml").read_text(), schema)
    return head + MARKS[0] + told + MARKS[1] + rest.partition(MARKS[1])[2]


def _described(schema: Json, path: str) -> Json:
    for name in path.split("."):
        schema = schema.get("properties", {}).get(name, {})
    return schema


def _values(node: yaml.MappingNode, prefix: str, lines: list[str]) -> Iterator[Value]:
    for key, value in node.value:
        path, meaning = prefix + key.value, _comment(lines, key.start_mark.line)
        if isinstance(value, yaml.MappingNode) and not value.flow_style and path.count(".") < DEPTH:
            if meaning:
                yield Value(path, "", meaning)
            yield from _values(value, f"{path}.", lines)
        else:
            yield Value(path, _default(value), meaning)


def _comment(lines: list[str], line: int) -> str:
    """The comment right above a line, with an example of a value as code."""
    found: list[str] = []
    for text in reversed(lines[:line]):
        if not text.lstrip().startswith("# "):
            break
        found.insert(0, text.strip().removeprefix("# "))
    told = [f"Example: `{text}`." if _EXAMPLE.match(text) else text for text in found]
    return " ".join(told).replace("|", "\\|").replace("<", "&lt;")


def _default(node: yaml.Node) -> str:
    value = yaml.safe_load(yaml.serialize(node))
    shown = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False).removesuffix("...\n").strip()
    return f"`{shown}`" if value not in ("", [], {}) else "none"


def main() -> None:
    """Write the README if it is out of date."""
    path, text = CHART / "README.md", filled()
    if path.read_text() != text:
        path.write_text(text)
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
