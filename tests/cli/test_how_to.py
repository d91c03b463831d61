"""The page of short answers: its YAML is valid in a pipeline or in the chart's values, and its commands exist."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import footage
from cli.terminal import reelmill
from repo.pages import blocks
from repo.tree import ROOT

PAGE = "docs/how-to.md"
VALUES = "# values of the chart\n"
FRAGMENTS = [block for block in blocks(PAGE, "yaml") if not block.startswith(VALUES)]
COMMANDS = [
    line.partition("#")[0].strip()
    for block in blocks(PAGE, "sh")
    for line in block.splitlines()
    if line.startswith("reelmill ")
]


def merged(fragment: dict[str, Any]) -> dict[str, Any]:
    spec = {
        "store": {"uri": "data"},
        "sources": [{"name": "raw", "files": {"uri": "videos"}}],
        "stages": [{"name": "clips", "clip": {"by": "length", "length": "10s"}}],
        **fragment,
    }
    if any(set(stage) & {"embed", "run"} for stage in spec["stages"]):
        spec["stages"] = [{"name": "cut", "clip": {"by": "length", "length": "10s"}}, *spec["stages"]]
    return {"apiVersion": "reelmill.dev/v1alpha1", "kind": "VideoPipeline", "metadata": {"name": "p"}, "spec": spec}


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda text: text.split("\n")[0])
def test_a_fragment_is_a_valid_part_of_a_pipeline(fragment: str, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(merged(yaml.safe_load(fragment))))
    said = reelmill("validate", tmp_path / "p.yaml")
    assert said.code == 0, said.err


@pytest.mark.parametrize("block", [block for block in blocks(PAGE, "yaml") if block.startswith(VALUES)])
def test_values_of_the_chart_are_in_its_schema(block: str) -> None:
    schema = json.loads((ROOT / "charts/reelmill/values.schema.json").read_text())
    defaults = yaml.safe_load((ROOT / "charts/reelmill/values.yaml").read_text())
    jsonschema.validate(_over(defaults, yaml.safe_load(block)), schema)


def _over(values: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    inner = {
        name: _over(values[name], value) if isinstance(value, dict) and isinstance(values.get(name), dict) else value
        for name, value in more.items()
    }
    return {**values, **inner}


@pytest.mark.parametrize("command", sorted({command.split()[1] for command in COMMANDS}))
def test_a_command_has_the_options_that_it_is_given(command: str) -> None:
    help_page = reelmill(command, "--help").out
    for line in COMMANDS:
        words = line.split()
        if words[1] == command:
            assert [word for word in words if re.match("-", word) and not re.search(rf"{word}\b", help_page)] == []


@pytest.mark.store  # takes long
def test_commands_about_a_store_do_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos/a.mp4").write_bytes(footage.video(seconds=2.0, size=(64, 48), audio=False).read_bytes())
    Path("NAME").write_text(yaml.safe_dump(merged({})))
    assert reelmill("run", "NAME").code == 0
    in_clusters = ("rerun", "suspend", "resume", "dashboard")
    for line in COMMANDS:
        words = shlex.split(line.replace(" ITEM", " a.mp4"))[1:]
        if words[0] not in in_clusters:
            assert reelmill(*words).code == 0, line
    assert (tmp_path / "report.html").stat().st_size
