"""The way to what only the stages' distribution can do: read a store, open data, run a stage.

`reelmill` alone validates and plans. Whatever touches a store is a function that `reelmill-stages` offers under the
entry-point group `reelmill.commands`; without that distribution the command says what to install.
"""

import os
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from reelmill.cli.input.pipeline import Loaded
from reelmill.contract.commands.signatures import PREFLIGHT, STATUS, Command, Environment
from reelmill.contract.errors import SpecError
from reelmill.contract.task import Task

GROUP = "reelmill.commands"
F = TypeVar("F")


def offered(name: str) -> bool:
    """Whether a command is there."""
    return name in _offers()


def command(name: str) -> Any:
    """The function behind a command. Raises SpecError naming the package that brings it."""
    if point := _offers().get(name):
        return point.load()
    raise SpecError(
        f"{name.partition('-')[0]} needs the store, which this installation cannot read",
        hint="install the package reelmill-stages beside reelmill: pip install reelmill-stages",
    )


@cache
def _offers() -> dict[str, EntryPoint]:
    """The entry points by name, which are read from the files of all installed distributions."""
    return {point.name: point for point in entry_points(group=GROUP)}


def load(command_: Command[F]) -> F:
    """The function of a command that is declared in `contract.commands`. Raises SpecError where it is not there."""
    function: F = command(command_.name)
    return function


def require(name: str) -> None:
    """Raises SpecError where the stages are not installed: a command needs them though it calls none of them."""
    if not offered(STATUS.name):
        command(name)


def task(loaded: Loaded, *, sources: bool = False) -> Task:
    """What a command is told, once the store's server answers; with `sources`, theirs too.

    Raises StoreError naming an endpoint that gives no answer. Without the stages nobody is asked.
    """
    told = loaded.task()
    if offered(PREFLIGHT.name):
        load(PREFLIGHT)(told, environment(), sources=sources)
    return told


def environment() -> Environment:
    """Where credentials come from."""
    return os.environ
