"""Laws about the shape of the repository."""

import ast
import operator
import sys
import sysconfig
from pathlib import Path

import pytest

from repo.tree import ROOT, files, modules, parsed

MODULES = [path for _, path in modules()]
LINES = {True: 300, False: 450}
"""Longest file: of the product, of the tests."""


def test_nothing_shadows_the_standard_librarys_operator() -> None:
    assert Path(operator.__file__).parent == Path(sysconfig.get_path("stdlib"))
    assert str(ROOT) not in sys.path


@pytest.mark.parametrize("folder", ["operator", "stages"])
def test_a_project_folder_holds_no_python_of_its_own(folder: str) -> None:
    assert not list((ROOT / folder).glob("*.py"))


def test_a_module_opens_with_why_it_exists() -> None:
    assert not [str(path) for path in MODULES if not ast.get_docstring(parsed(path))]


def test_a_file_is_one_idea_long() -> None:
    python = [path for path in files() if path.suffix == ".py"]
    lines = {path: len(path.read_text().splitlines()) for path in python}
    assert not {str(path): count for path, count in lines.items() if count > LINES["src" in path.parts]}


def test_a_file_name_is_an_idea() -> None:
    words = {"utils", "helpers", "helper", "manager", "base", "common", "misc"}
    assert not [str(path) for path in MODULES if words & {path.stem, path.parent.name}]


def test_both_distributions_are_typed() -> None:
    assert (ROOT / "operator/src/reelmill/py.typed").exists()
    assert (ROOT / "stages/src/reelmill_stages/py.typed").exists()


def test_the_readmes_commands_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for line in (ROOT / "README.md").read_text().splitlines():
        if line.startswith("make ") and (target := line.split()[1]):
            assert f"\n{target}:" in makefile
