"""Tracebacks of internal errors, written to files that only their owner can read."""

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
    cannot be written to.
    """
    try:
        number, path = _new_file(_crash_folder())
    except OSError:
        number, path = _new_file(Path(tempfile.gettempdir()))
    words = printable(without_secrets("".join(traceback.format_exception(error))), keep="\n")
    # The command's arguments are left out, because they may contain secrets.
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(f"reelmill {__version__}, Python {sys.version.split()[0]}, {sys.platform}\n\n{words}")
    logging.getLogger("reelmill").debug("crash", exc_info=error)
    return path


def crash_reports() -> list[Path]:
    """The tracebacks that `report_bug` wrote, the newest first."""
    return sorted(_crash_folder().glob("crash-*.log"), key=lambda path: path.name, reverse=True)


def _new_file(folder: Path) -> tuple[int, Path]:
    """(descriptor, path) of a new file that only its owner can read. Several crashes may occur within one second."""
    folder.mkdir(parents=True, exist_ok=True)
    prefix = f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-"
    number, path = tempfile.mkstemp(prefix=prefix, suffix=".log", dir=folder)
    return number, Path(path)


def _crash_folder() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "reelmill"
