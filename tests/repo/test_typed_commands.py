"""The functions that the stages offer to the command line have the signatures that both sides know them by."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from reelmill.contract.commands import signatures
from reelmill.contract.commands.signatures import Command
from repo.tree import ROOT

DECLARED = {value.name: name for name, value in vars(signatures).items() if isinstance(value, Command)}


def test_every_offered_command_is_declared() -> None:
    offered = {point.name for point in entry_points(group="reelmill.commands")}
    assert offered == DECLARED.keys()


def test_every_offered_function_has_the_declared_signature(tmp_path: Path) -> None:
    file = tmp_path / "offered_commands.py"
    file.write_text(_assignments())
    assert _checked(file) == "Success: no issues found in 1 source file\n"


def _checked(file: Path) -> str:
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--no-pretty", str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


def _assignments() -> str:
    """A module that gives each offered function to a variable of the declared type."""
    lines = ["from reelmill.contract.commands import signatures as commands", "from typing import TypeVar"]
    lines.append("F = TypeVar('F')")
    lines.append("def offers(command: commands.Command[F], function: F) -> None: ...")
    for point in sorted(entry_points(group="reelmill.commands"), key=lambda point: point.name):
        if point.name in DECLARED:
            lines += [f"import {point.module}", f"offers(commands.{DECLARED[point.name]}, {point.module}.{point.attr})"]
    return "\n".join(lines) + "\n"


def test_a_function_with_another_signature_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "another_command.py"
    file.write_text(_assignments() + "offers(commands.LEDGER, reelmill_stages.commands.status.status)\n")
    assert "error: " in _checked(file)


@pytest.mark.parametrize("name", DECLARED)
def test_a_declared_command_is_called_as_it_is_declared(name: str) -> None:
    (point,) = entry_points(group="reelmill.commands", name=name)
    assert callable(point.load())
