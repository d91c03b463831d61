"""The temporary folder of the tests: in memory if there is room, because tests sync thousands of files.

Stores and checkpoints sync their files, which waits for the disk. Tests of nodes use the disk, because their clusters
contain images. `TMPDIR` in the environment is not changed.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from host import available_memory

MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes that must be free in the file system, and twice that in the machine's memory."""


def use_memory() -> None:
    """Use a temporary folder in memory for this process and its children, if possible."""
    if fits(os.environ):
        folder = MEMORY / f"reelmill-{os.geteuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        os.environ["TMPDIR"] = str(folder)
        tempfile.tempdir = None


def fits(environment: Mapping[str, str]) -> bool:
    """Whether the machine has enough memory for the tiers of the run."""
    tiers = environment.get("REELMILL_TIERS", "")
    if sys.platform != "linux" or "TMPDIR" in environment or not tiers or "nodes" in tiers or not MEMORY.is_dir():
        return False
    return shutil.disk_usage(MEMORY).free >= ROOM and available_memory() >= 2 * ROOM
