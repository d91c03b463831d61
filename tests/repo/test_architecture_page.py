"""The newcomer's guide names every folder of both distributions, and no other."""

import re

import stage_folders
from repo.tree import ROOT, SOURCES

ROW = re.compile(r"^\| `(reelmill[\w/]*)` \| .+ \|$", re.MULTILINE)


def test_the_guide_to_the_code_names_every_folder_once_and_no_other() -> None:
    named = ROW.findall((ROOT / "docs/architecture.md").read_text())
    there = {path.parent.relative_to(source).as_posix() for source in SOURCES for path in source.rglob("__init__.py")}
    assert sorted(named) == sorted(there)


def test_the_table_of_stages_is_fresh() -> None:
    assert stage_folders.PAGE.read_text() == stage_folders.page(), "run make generate"
