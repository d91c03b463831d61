"""The command line's exit codes, and how an error becomes lines for a person.

| code | meaning |
| --- | --- |
| 0 | done; items may have failed, within the tolerance; in a cluster: asked, and with `-w`: complete |
| 2 | the input is wrong, or the store or the cluster cannot be used as it is: no such name, not allowed, no room |
| 65 | items failed above the tolerance; `-w`: the pipeline failed; `check`: a rule is broken; `replay`: not done |
| 70 | a bug of reelmill |
| 75 | try again later: a cluster, a server or a network was in the way |
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
from reelmill.cli.input.problems import FieldProblems
from reelmill.contract.errors import EarlyAbort, ReelmillError, StalePlan, TransientError
from reelmill.plan.definition.graph import SpecErrors


class CommandExit(IntEnum):
    """How a command ends."""

    OK = 0
    INPUT = 2
    ITEMS = 65
    BUG = 70
    AGAIN = 75
    INTERRUPTED = 130


def code_of(error: ReelmillError) -> CommandExit:
    """The exit code of an error that reelmill raises on purpose."""
    match error:
        case TransientError() | StalePlan():
            return CommandExit.AGAIN
        case EarlyAbort():
            return CommandExit.ITEMS
        case _:
            return CommandExit.INPUT


def describe(error: ReelmillError) -> list[str]:
    """What, where and the way out: one line for each problem, then the hint."""
    if isinstance(error, FieldProblems):
        return [f"error: {problem}" for problem in error.problems]
    if isinstance(error, SpecErrors):
        return [line for part in error.errors for line in describe(part)]
    hint = [f"hint: {error.hint}"] if error.hint else []
    return [f"error: {error}", *hint]


def report_bug(error: BaseException) -> Path:
    """Writes the traceback to a file of its own and gives its path."""
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "reelmill"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir())
    path = folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    words = "".join(traceback.format_exception(error))
    path.write_text(f"reelmill {__version__}, Python {sys.version.split()[0]}, {sys.platform}\n{sys.argv}\n\n{words}")
    logging.getLogger("reelmill").debug("crash", exc_info=error)
    return path
