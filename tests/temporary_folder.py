"""The temporary folder of the tests: in memory where the machine has room, since tests sync thousands of files.

What is written for good by a store or a checkpoint is synced, and waits for the disk. Tests of nodes keep the disk:
their clusters hold images. `TMPDIR` in the environment is left as it is.
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
    """Let this process and those that it starts have their temporary folder in memory, if that may be."""
    if fits(os.environ):
        folder = MEMORY / f"reelmill-{os.geteuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        os.environ["TMPDIR"] = str(folder)
        tempfile.tempdir = None


def fits(environment: Mapping[str, str]) -> bool:
    """Whether the machine has the room, and the tiers of the run are some that need no more."""
    tiers = environment.get("REELMILL_TIERS", "")
    if sys.platform != "linux" or "TMPDIR" in environment or not tiers or "nodes" in tiers or not MEMORY.is_dir():
        return False
    return shutil.disk_usage(MEMORY).free >= ROOM and available_memory() >= 2 * ROOM
