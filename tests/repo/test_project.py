"""The project's own files: version, changelog, decisions, hooks, workflows, templates."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import decisions
import release_version
from repo.tree import ROOT, files

KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
VERSION = release_version.version()


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


@pytest.mark.parametrize("name", release_version.PLACES)
def test_the_version_is_the_same_everywhere(name: str) -> None:
    assert (ROOT / name).read_text() == release_version.rendered(VERSION)[name], "run make generate"


def test_another_version_reaches_every_place() -> None:
    for name, text in release_version.rendered("12.34.56rc7").items():
        assert VERSION not in text
        assert "12.34.56rc7" in text, name


def test_no_other_file_names_the_version() -> None:
    known = {*release_version.PLACES, release_version.SOURCE, "CHANGELOG.md"}
    named = re.compile(rf"reelmill[\w./-]*(?:[:=@]+| |-v?){re.escape(VERSION)}\b")
    others = [path for path in files() if path.suffix in {".py", ".md", ".yaml", ".yml", ".toml", ".tpl", ".txt", ""}]
    wrong = {
        str(name)
        for path in others
        if str(name := path.relative_to(ROOT)) not in known
        for line in path.read_text(errors="replace").splitlines()
        if named.search(line)
    }
    assert wrong <= {"images/build.py"}  # the form of an image's name, as an example


def test_the_changelog_is_by_version_and_kind() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text().splitlines()
    versions = [line[3:] for line in lines if line.startswith("## ")]
    assert versions[0] == "[Unreleased]"
    assert re.match(rf"\[{re.escape(VERSION)}\]", versions[1])
    kinds: list[str] = []
    for line in lines:
        if line.startswith("## "):
            kinds = []
        elif line.startswith("### "):
            kinds.append(line[4:])
            assert kinds == [kind for kind in KINDS if kind in kinds], f"{kinds}: order, or one twice"
        elif line.startswith("- "):
            assert kinds, f"of no kind: {line}"


def test_decisions_are_numbered_without_holes() -> None:
    numbers = list(decisions.numbered())
    assert numbers == list(range(1, len(numbers) + 1)), "rename the files, then run make generate"


@pytest.mark.parametrize("path", decisions.rendered(), ids=lambda path: path.name)
def test_a_decisions_heading_and_the_index_follow_the_files(path: Path) -> None:
    assert path.read_text() == decisions.rendered()[path], "run make generate"


def test_decisions_that_are_referred_to_are_there() -> None:
    wrong = {
        (str(path.relative_to(ROOT)), name)
        for path in files()
        if path.suffix in {".py", ".md", ".yaml"}
        for name in re.findall(r"adr/(\d{4}[\w-]*)", path.read_text(errors="replace"))
        if not list(decisions.FOLDER.glob(f"{name}*.md"))
    }
    assert not wrong


def test_renaming_a_decision_renumbers_it(tmp_path: Path) -> None:
    (tmp_path / "0001-a.md").write_text("# 4. First\n\nText\n")
    (tmp_path / "0002-b.md").write_text("# Second\n")
    texts = {path.name: text for path, text in decisions.rendered(tmp_path).items()}
    assert (texts["0001-a.md"], texts["0002-b.md"]) == ("# 1. First\n\nText\n", "# 2. Second\n")
    assert texts["README.md"].endswith("1. [First](0001-a.md)\n2. [Second](0002-b.md)\n")
    (tmp_path / "0002-c.md").write_text("# Third\n")
    with pytest.raises(ValueError, match="the same number"):
        decisions.numbered(tmp_path)


def test_hooks_before_a_commit_take_seconds_and_the_rest_runs_before_a_push() -> None:
    config = read(".pre-commit-config.yaml")
    assert config["default_install_hook_types"] == ["pre-commit", "pre-push"]
    (repo,) = config["repos"]
    stages = {hook["entry"]: hook["stages"] for hook in repo["hooks"]}
    assert {entry for entry, stage in stages.items() if stage == ["pre-push"]} == {"make check"}
    assert all(" ruff " in f" {entry} " or "/ruff " in entry for entry in stages if stages[entry] == ["pre-commit"])


def test_workflows_run_what_a_developer_can_run() -> None:
    jobs = read(".github/workflows/ci.yml")["jobs"].values()
    assert [step["run"] for job in jobs for step in job["steps"] if "run" in step] == [".ci/run"]
    run = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line and not line.startswith("#")]
    assert {line.split()[0] for line in run} <= {"set", "cd", "exec", "export", "make"}


def test_updates_are_configured_wherever_dependencies_are_named() -> None:
    updates = read(".github/dependabot.yml")["updates"]
    told = {one["package-ecosystem"]: one.get("directories", [one.get("directory")]) for one in updates}
    assert set(told) == {"pip", "docker", "github-actions"}
    projects = {f"/{path.parent.relative_to(ROOT)}" for path in ROOT.glob("*/pyproject.toml")}
    assert set(told["pip"]) == {"/", *projects}
    assert set(told["docker"]) == {f"/{path.parent.relative_to(ROOT)}" for path in ROOT.glob("images/*/Dockerfile")}


@pytest.mark.parametrize("form", ["bug", "feature"])
def test_a_form_asks_for_named_things_and_for_no_vulnerability(form: str) -> None:
    told = read(f".github/ISSUE_TEMPLATE/{form}.yml")
    assert {"name", "description", "body"} <= set(told)
    asked = [field["id"] for field in told["body"] if field["type"] != "markdown"]
    assert len(asked) == len(set(asked))
    assert all(field["attributes"]["label"] for field in told["body"] if field["type"] != "markdown")
    assert (ROOT / "SECURITY.md").exists()
