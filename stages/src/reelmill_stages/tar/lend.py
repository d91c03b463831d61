"""Payload files may be deleted by whoever takes them; the bytes behind them may belong to somebody else."""

import os
import shutil
from pathlib import Path


def lent(path: Path, to: Path) -> Path:
    """The same bytes under a name that may be deleted: a hard link, or a copy where there can be none."""
    try:
        os.link(path.resolve(), to)
    except OSError:
        shutil.copyfile(path, to)
    return to
