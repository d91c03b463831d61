"""Generated files say what the models say, and the definition is one that an API server takes."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from reelmill.cli.manual import manual
from reelmill.schema import crd, editor
from reelmill.schema.__main__ import rendered
from repo.tree import ROOT

KIB = 1024
RENDERED = rendered()


@pytest.mark.parametrize("name", RENDERED)
def test_a_generated_file_is_fresh(name: str) -> None:
    assert (ROOT / name).read_text() == RENDERED[name], "run make generate"


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every node of a structural schema that stands for a value, with its path."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from nodes(schema[name], f"{path}[]")


(VERSION,) = crd()["spec"]["versions"]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]
NODES = list(nodes(SCHEMA))
SPEC = [(path, node) for path, node in NODES if path.startswith(".spec")]


def test_the_definition_is_small_enough_for_an_annotation() -> None:
    # kubectl apply keeps it as JSON in an annotation; all annotations of an object have 256 KiB.
    definition = yaml.safe_load((ROOT / "manifests/crd/videopipelines.yaml").read_bytes())
    assert len(json.dumps(definition, separators=(",", ":")).encode()) < 200 * KIB


def test_every_value_has_one_type_or_a_kubernetes_word_instead() -> None:
    words = ("x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields")
    for path, node in NODES:
        given = [word for word in words if node.get(word)]
        assert ("type" in node and isinstance(node["type"], str)) or given, path
        assert not ("type" in node and "x-kubernetes-int-or-string" in node), path


def test_no_word_that_an_api_server_refuses_is_left() -> None:
    forbidden = {"$ref", "$defs", "title", "const", "oneOf", "prefixItems", "default"}
    for path, node in NODES:
        assert not forbidden & set(node), path
        assert node.get("additionalProperties") is not False, path
        assert not ("properties" in node and "additionalProperties" in node), path
        assert isinstance(node.get("exclusiveMinimum", True), bool), path
        for choice in node.get("anyOf", ()):
            if not node.get("x-kubernetes-int-or-string"):
                assert not {"type", "properties", "items", "description"} & set(choice), path


def test_every_list_map_and_string_of_the_spec_is_bounded() -> None:
    for path, node in SPEC:
        bounded = "enum" in node or "anyOf" in node
        if node.get("type") == "string":
            assert bounded or "maxLength" in node, path
        if node.get("type") == "array":
            assert "maxItems" in node, path
        if "additionalProperties" in node:
            assert "maxProperties" in node, path


def test_lists_of_named_things_merge_by_name() -> None:
    lists = dict(SPEC)
    for path in (".spec.sources", ".spec.stages"):
        assert lists[path]["x-kubernetes-list-map-keys"] == ["name"]


def test_a_union_says_that_exactly_one_member_is_needed() -> None:
    rules = dict(NODES)[".spec.stages[]"]["x-kubernetes-validations"]
    assert any("exactly one of clip, frames, pack, index" in rule["message"] for rule in rules)


def test_every_pattern_is_understood_by_both_engines() -> None:
    for path, node in SPEC:
        if pattern := node.get("pattern"):
            re.compile(pattern)
            assert "(?=" not in pattern, path
            assert "(?<" not in pattern, path


def test_names_and_columns_are_those_that_people_type() -> None:
    names = crd()["spec"]["names"]
    assert (names["plural"], names["shortNames"]) == ("videopipelines", ["vp"])
    assert VERSION["subresources"] == {"status": {}}
    assert [column["name"] for column in VERSION["additionalPrinterColumns"]][-1] == "Age"


def test_the_editor_schema_flags_a_misspelt_field() -> None:
    definitions = editor()["$defs"]
    assert definitions["FramesBlock"]["additionalProperties"] is False
    assert {"required": ["clip"]} in definitions["StageSpec"]["oneOf"]


def test_the_definition_is_plain_yaml() -> None:
    text = (ROOT / "manifests/crd/videopipelines.yaml").read_text()
    assert yaml.safe_load(text) == json.loads(json.dumps(crd()))
    assert "&id" not in text


def test_the_page_about_the_command_line_is_fresh() -> None:
    assert (ROOT / "docs/cli.md").read_text() == manual(), "run make generate"
