"""The exit codes of the command line, and the text of an error.

| code | meaning |
| --- | --- |
| 0 | success; items may have failed within the tolerance. In a cluster: request accepted; with `-w`: complete |
| 2 | invalid input, or an unusable store or cluster: no such name, permission denied, no space left |
| 65 | items failed beyond the tolerance; `-w`: the pipeline failed; `check`: findings; `replay`, `repair`: failed |
| 70 | internal error (a bug in reelmill) |
| 75 | temporary failure of a cluster, a server or the network: try again later |
| 130 | interrupted |
"""

import logging
import os
import sys
import tempfile
import time
import traceback
from enum import IntEnum
from pathlib import Path

from reelmill import __version__
from reelmill.contract.errors import EarlyAbort, ReelmillError, StalePlan, TransientError
from reelmill.contract.text.terminal import printable
from reelmill.contract.text.urls import without_secrets


class CommandExit(IntEnum):
    """Exit codes of the commands."""

    OK = 0
    INPUT = 2
    ITEMS = 65
    BUG = 70
    AGAIN = 75
    INTERRUPTED = 130


def code_of(error: ReelmillError) -> CommandExit:
    """The exit code for an error."""
    match error:
        case TransientError() | StalePlan():
            return CommandExit.AGAIN
        case EarlyAbort():
            return CommandExit.ITEMS
        case _:
            return CommandExit.INPUT


def describe(error: ReelmillError) -> list[str]:
    """The lines to print for an error: one for each problem, then the hint."""
    # Imported here, because the models behind them take long to build.
    from reelmill.cli.input.problems import FieldProblems
    from reelmill.plan.definition.graph import SpecErrors

    if isinstance(error, FieldProblems):
        return [f"error: {problem}" for problem in error.problems]
    if isinstance(error, SpecErrors):
        return [line for part in error.errors for line in describe(part)]
    hint = [f"hint: {error.hint}"] if error.hint else []
    return [f"error: {error}", *hint]


def report_bug(error: BaseException) -> Path:
    """Write the traceback to a new file and return its path.

    The folder is `$XDG_STATE_HOME/reelmill` (default `~/.local/state/reelmill`), or the temporary folder if that one
    cannot be created.
    """
    folder = _crash_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir())
    path = folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    words = printable(without_secrets("".join(traceback.format_exception(error))), keep="\n")
    # A new file for its owner alone. The arguments of the command are not in it: they may hold anything.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f"reelmill {__version__}, Python {sys.version.split()[0]}, {sys.platform}\n\n{words}")
    logging.getLogger("reelmill").debug("crash", exc_info=error)
    return path


def crash_reports() -> list[Path]:
    """The tracebacks that `report_bug` wrote, the newest first."""
    return sorted(_crash_folder().glob("crash-*.log"), key=lambda path: path.name, reverse=True)


def _crash_folder() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "reelmill"
