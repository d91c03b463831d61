"""What manifests and chart take from the code says what the code says."""

import importlib.util
import json
import re

import pytest
import yaml

import chart_values
from reelmill.controller import rbac
from reelmill.controller.monitoring.metrics import Metrics
from reelmill.controller.settings import OperatorSettings
from repo.tree import ROOT

SPEC = importlib.util.spec_from_file_location("generate_manifests", ROOT / "manifests/generate.py")
assert SPEC
assert SPEC.loader
generate = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(generate)
METRIC = re.compile(r"\b(?:controller_runtime|workqueue|rest_client|leader_election|reelmill)_[a-z_]+")
RENDERED = generate.rendered()
CHART = ROOT / "charts/reelmill"


@pytest.mark.parametrize("name", RENDERED)
def test_a_generated_part_is_fresh(name: str) -> None:
    assert (ROOT / name).read_text() == RENDERED[name], "run make generate"


def test_the_readme_has_every_value_with_a_meaning_or_a_name_that_says_it() -> None:
    readme = (CHART / "README.md").read_text()
    assert readme == chart_values.filled(), "run make generate"
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert not [name for name in values if f"| `{name}" not in readme]


def test_the_charts_definition_is_the_manifests_definition() -> None:
    ours = (CHART / "files/videopipelines.yaml").read_text()
    assert ours == (ROOT / "manifests/crd/videopipelines.yaml").read_text()


def test_the_roles_are_the_controllers_rules() -> None:
    for name in ("manifests/overlays/cluster-wide/cluster-role.yaml", "manifests/overlays/namespaced/role.yaml"):
        assert next(yaml.safe_load_all((ROOT / name).read_text()))["rules"] == rbac.rules()
    assert yaml.safe_load((CHART / "files/rules.yaml").read_text()) == rbac.rules()


def test_every_setting_of_the_operator_can_be_given() -> None:
    offered = json.loads((CHART / "values.schema.json").read_text())["properties"]["settings"]["properties"]
    assert len(offered) + len(generate.ELSEWHERE) == len(OperatorSettings.model_fields)
    assert set(OperatorSettings.model_fields) >= generate.ELSEWHERE


def test_every_object_of_the_chart_refuses_unknown_values() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    open_ended = {"global", "affinity", "pipeline", "valueFrom", "allowedNodes"}
    wrong: list[str] = []

    def look(name: str, node: dict[str, object]) -> None:
        properties = node.get("properties")
        if isinstance(properties, dict):
            if node.get("additionalProperties") is not False:
                wrong.append(name)
            for key, child in properties.items():
                look(key, child)
        elif node.get("type") == "object" and "additionalProperties" not in node and name not in open_ended:
            wrong.append(name)

    look("", schema)
    assert not wrong


def test_every_value_has_a_default_that_the_schema_knows() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    properties = json.loads((CHART / "values.schema.json").read_text())["properties"]
    assert set(properties) - set(values) == {"global"}
    assert not set(values) - set(properties)


def names_of_metrics() -> set[str]:
    return {
        name
        for family in Metrics().registry.collect()
        for name in (
            {family.name + suffix for suffix in ("_bucket", "_sum", "_count")}
            if family.type == "histogram"
            else {family.name + "_total"}
            if family.type == "counter"
            else {family.name}
        )
    }


def expressions() -> list[str]:
    dashboard = json.loads((ROOT / "manifests/observability/dashboard.json").read_text())
    (group,) = yaml.safe_load((ROOT / "manifests/observability/alerts.yaml").read_text())["spec"]["groups"]
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return asked + [rule["expr"] for rule in group["rules"]]


@pytest.mark.parametrize("expression", expressions())
def test_dashboard_and_alerts_ask_for_metrics_that_exist(expression: str) -> None:
    asked = set(METRIC.findall(expression))
    assert asked
    assert asked <= names_of_metrics()
