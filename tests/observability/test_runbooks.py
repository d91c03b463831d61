"""Every alert leads to a section of the runbooks that says what it means and what to do."""

import re
from typing import Any

import pytest
import yaml

from repo.tree import ROOT

(GROUP,) = yaml.safe_load((ROOT / "manifests/observability/alerts.yaml").read_text())["spec"]["groups"]
RUNBOOKS = (ROOT / "docs/runbooks.md").read_text()
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOKS, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("rule", GROUP["rules"], ids=lambda rule: rule["alert"])
def test_an_alert_has_a_runbook(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert (ROOT / page).read_text() == RUNBOOKS
    assert anchor == rule["alert"].lower()
    section = SECTIONS[rule["alert"]]
    assert "**Means:**" in section
    assert "**Do:**" in section


def test_every_runbook_is_of_an_alert() -> None:
    assert set(SECTIONS) == {rule["alert"] for rule in GROUP["rules"]}
