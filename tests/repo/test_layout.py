"""Laws about the shape of the repository."""

import ast
import operator
import sys
import sysconfig
from pathlib import Path

import pytest

from repo.tree import ROOT, files, modules

MODULES = [pytest.param(path, id=name) for name, path in modules()]
PYTHON = [pytest.param(path, id=str(path.relative_to(ROOT))) for path in files() if path.suffix == ".py"]


def test_nothing_shadows_the_standard_librarys_operator() -> None:
    assert Path(operator.__file__).parent == Path(sysconfig.get_path("stdlib"))
    assert str(ROOT) not in sys.path


@pytest.mark.parametrize("folder", ["operator", "stages"])
def test_a_project_folder_holds_no_python_of_its_own(folder: str) -> None:
    assert not list((ROOT / folder).glob("*.py"))


@pytest.mark.parametrize("path", MODULES)
def test_a_module_opens_with_why_it_exists(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", PYTHON)
def test_a_file_stays_under_300_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize("path", MODULES)
def test_a_file_name_is_an_idea(path: Path) -> None:
    assert not {"utils", "helpers", "helper", "manager", "base", "common", "misc"} & {path.stem, path.parent.name}


def test_both_distributions_are_typed() -> None:
    assert (ROOT / "operator/src/reelmill/py.typed").exists()
    assert (ROOT / "stages/src/reelmill_stages/py.typed").exists()


def test_the_readmes_commands_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for line in (ROOT / "README.md").read_text().splitlines():
        if line.startswith("make ") and (target := line.split()[1]):
            assert f"\n{target}:" in makefile
