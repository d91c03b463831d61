"""The alerts, judged by promtool, and the queries of the dashboard, asked of a Prometheus that scraped an operator."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import build
from cluster.unavailable import Unavailable
from observability.alert_cases import TROUBLE, unit_tests
from repo.tree import ROOT

pytestmark = pytest.mark.control_plane
SPEC = yaml.safe_load((ROOT / "manifests/observability/alerts.yaml").read_text())["spec"]
ALERTS = {rule["alert"]: rule for group in SPEC["groups"] for rule in group["rules"]}


def promtool(*words: str, cwd: Path) -> str:
    """What promtool says. Fails the test where it ends with an error."""
    try:
        program = build.find(("promtool",)) / "promtool"
    except Unavailable as problem:
        required = os.environ.get("REELMILL_REQUIRE", "")
        (pytest.fail if "control-plane" in required else pytest.skip)(str(problem))
    done = subprocess.run([str(program), *words], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_every_alert_has_a_trouble_that_sets_it_off() -> None:
    assert set(TROUBLE) == set(ALERTS)


def test_each_alert_fires_when_it_should_and_not_before(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(SPEC))
    (tmp_path / "tests.json").write_text(json.dumps(unit_tests("rules.yaml", ALERTS)))
    assert f"{len(ALERTS)} rules found" in promtool("check", "rules", "rules.yaml", cwd=tmp_path)
    assert "SUCCESS" in promtool("test", "rules", "tests.json", cwd=tmp_path)


def expressions() -> list[str]:
    dashboard: dict[str, Any] = json.loads((ROOT / "manifests/observability/dashboard.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("expression", expressions())
def test_a_query_of_the_dashboard_is_promql(expression: str, tmp_path: Path) -> None:
    promtool("promql", "--experimental", "format", expression.replace("$__rate_interval", "5m"), cwd=tmp_path)
