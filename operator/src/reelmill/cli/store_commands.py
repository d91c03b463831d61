"""Access to commands of the stages' distribution: read a store, open data, run a stage.

`reelmill` alone validates and plans. Everything that touches a store is a function that `reelmill-stages` registers in
the entry-point group `reelmill.commands`. If it is not installed, the error names the package to install.
"""

import os
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from reelmill.cli.input.pipeline import Loaded
from reelmill.contract.commands.result_rows import StatusRow
from reelmill.contract.commands.signatures import PREFLIGHT, STATUS, Command, Environment
from reelmill.contract.errors import SpecError
from reelmill.contract.task import Task
from reelmill.contract.text.missing_data import no_data_set

GROUP = "reelmill.commands"
F = TypeVar("F")


def offered(name: str) -> bool:
    """Whether a command is installed."""
    return name in _entry_points_by_name()


def command(name: str) -> Any:
    """The function behind a command. Raises SpecError with the package that provides it."""
    if point := _entry_points_by_name().get(name):
        return point.load()
    raise SpecError(
        f"{name.partition('-')[0]} needs the store, which this installation cannot read",
        hint="install it: pip install reelmill-stages",
    )


@cache
def _entry_points_by_name() -> dict[str, EntryPoint]:
    """The entry points by name, read from the metadata of all installed distributions."""
    return {point.name: point for point in entry_points(group=GROUP)}


def load(command_: Command[F]) -> F:
    """The function of a command declared in `contract.commands`. Raises SpecError if it is not installed."""
    function: F = command(command_.name)
    return function


def require(name: str) -> None:
    """Raises SpecError if the stages are not installed, for a command that needs them without calling them."""
    if not offered(STATUS.name):
        command(name)


def task(loaded: Loaded, *, sources: bool = False) -> Task:
    """The task for a command, once the server of the store has answered; with `sources`, also those of the sources.

    Raises StoreError with the endpoint of a server that does not answer. Without the stages, no server is contacted.
    """
    step_task = loaded.task()
    if offered(PREFLIGHT.name):
        load(PREFLIGHT)(step_task, environment(), sources=sources)
    return step_task


def stored(loaded: Loaded) -> dict[str, StatusRow]:
    """The state of each source and stage in the store, by name. Raises SpecError if no run has worked on any of them.

    Raises as `task`.
    """
    rows = {row.name: row for row in load(STATUS)(task(loaded), environment())}
    if not any(row.listed or row.segments or row.pass_ for row in rows.values()):
        raise no_data_set(rows, loaded.task().store.uri)
    return rows


def environment() -> Environment:
    """The environment that credentials are read from."""
    return os.environ
