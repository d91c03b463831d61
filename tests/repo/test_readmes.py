"""The READMEs of both distributions name every package of theirs, and CONTRIBUTING every command, as they are."""

import re
import tomllib

import pytest

import tiers
from repo.tree import ROOT

DISTRIBUTIONS = {"operator": "reelmill", "stages": "reelmill_stages"}
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[1].split())  # type: ignore[index]
ELSEWHERE = {"install", "images"}
"""Targets that CONTRIBUTING leaves out: plain `make`, and what images/README.md explains."""


def modules(folder: str) -> tuple[set[str], set[str]]:
    """Dotted names of a distribution: its packages directly below the top, and all its packages and modules."""
    top = ROOT / folder / "src" / DISTRIBUTIONS[folder]
    paths = {path.relative_to(top.parent).with_suffix("") for path in top.rglob("*.py")}
    everything = {".".join(part.parts) for path in paths for part in (path, path.parent)}
    return {f"{top.name}.{path.name}" for path in top.iterdir() if list(path.glob("*.py"))}, everything


@pytest.mark.parametrize("folder", DISTRIBUTIONS)
def test_the_readme_has_a_line_for_every_package_and_none_for_what_there_is_not(folder: str) -> None:
    packages, everything = modules(folder)
    lines = re.findall(r"^\| `([\w.]+)` \| .+ \|$", (ROOT / folder / "README.md").read_text(), re.MULTILINE)
    named = [line for line in lines if line.startswith(DISTRIBUTIONS[folder])]
    assert len(named) == len(set(named))
    assert packages <= set(named) <= everything


@pytest.mark.parametrize("folder", DISTRIBUTIONS)
def test_the_readme_names_every_extra(folder: str) -> None:
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    text = (ROOT / folder / "README.md").read_text()
    assert not [name for name in project["optional-dependencies"] if f"`{name}`" not in text]


def test_every_target_of_the_makefile_is_explained() -> None:
    named = set(re.findall(r"\bmake ([a-z-]+)", CONTRIBUTING))
    assert TARGETS - named == ELSEWHERE
    assert named <= TARGETS


def test_every_make_command_of_a_page_is_a_target() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob(".github/*.md")]
    wrong = {
        (page.name, name)
        for page in pages
        if page.name != "errors.md"  # messages, of which some begin with the word
        for name in re.findall(r"(?:`|^)(?:\w+=\S+ )*make ([a-z-]+)", page.read_text(), re.MULTILINE)
        if name not in TARGETS
    }
    assert not wrong


def test_variables_that_contributing_names_are_read_by_somebody() -> None:
    sources = [*(ROOT / "tests").rglob("*.py"), ROOT / "Makefile"]
    text = "\n".join(path.read_text() for path in sources)
    assert not [name for name in set(re.findall(r"REELMILL_[A-Z]+", CONTRIBUTING)) if name not in text]


def test_every_tier_is_explained() -> None:
    assert not [name for name in tiers.TIERS if f"`{name}`" not in CONTRIBUTING]


def test_paths_that_contributing_names_are_there() -> None:
    paths = re.findall(
        r"`((?:operator|stages|tests|docs|manifests|images|charts|\.ci|\.github)/[\w./-]*)`", CONTRIBUTING
    )
    assert paths
    assert not [path for path in paths if "NAME" not in path and not (ROOT / path).exists()]
