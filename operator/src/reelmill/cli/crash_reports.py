"""Tracebacks of internal errors, in files for their owner alone."""

import logging
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from reelmill import __version__
from reelmill.contract.text.terminal import printable
from reelmill.contract.text.urls import without_secrets


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
