"""Copies of input files that can be used as payload, which is deleted after use."""

import os
import shutil
from pathlib import Path


def link_or_copy(path: Path, to: Path) -> Path:
    """Create a hard link to the file, or a copy if links are not possible; it may be deleted."""
    try:
        os.link(path.resolve(), to)
    except OSError:
        shutil.copyfile(path, to)
    return to
