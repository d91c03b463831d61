"""The functions that the stages offer to the command line have the signatures that both sides know them by."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from reelmill.contract.commands import signatures
from reelmill.contract.commands.signatures import Command
from repo.tree import ROOT

WRONG = "offers(commands.LEDGER, reelmill_stages.commands.status.status)\n"
DECLARED = {value.name: name for name, value in vars(signatures).items() if isinstance(value, Command)}


def test_every_offered_command_is_declared() -> None:
    offered = {point.name for point in entry_points(group="reelmill.commands")}
    assert offered == DECLARED.keys()


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What mypy says of a module that gives each function to a variable of its declared type, and one to another."""
    file = tmp_path_factory.mktemp("typed") / "offered_commands.py"
    file.write_text(_assignments() + WRONG)
    *problems, last = _checked(file).splitlines()
    assert last.endswith("(checked 1 source file)"), last
    return problems


def test_every_offered_function_has_the_declared_signature_and_one_with_another_is_refused(problems: list[str]) -> None:
    wrong = _assignments().count("\n") + 1
    assert problems
    assert [told for told in problems if f".py:{wrong}: " not in told] == []


def _checked(file: Path) -> str:
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--no-pretty", str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


def _assignments() -> str:
    lines = ["from reelmill.contract.commands import signatures as commands", "from typing import TypeVar"]
    lines.append("F = TypeVar('F')")
    lines.append("def offers(command: commands.Command[F], function: F) -> None: ...")
    for point in sorted(entry_points(group="reelmill.commands"), key=lambda point: point.name):
        if point.name in DECLARED:
            lines += [f"import {point.module}", f"offers(commands.{DECLARED[point.name]}, {point.module}.{point.attr})"]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", DECLARED)
def test_a_declared_command_is_called_as_it_is_declared(name: str) -> None:
    (point,) = entry_points(group="reelmill.commands", name=name)
    assert callable(point.load())
