"""Resident memory of a process, from the process file system of Linux."""

import os
from pathlib import Path

PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident(pid: int, proc: Path = PROC) -> int:
    """Return the resident bytes of a process, from the second field of `statm` (proc(5), in pages); 0 if unknown."""
    try:
        return int((proc / str(pid) / "statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0
