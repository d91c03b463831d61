"""Processes and memory of the machine, from /proc on Linux and from `ps` and getrusage elsewhere."""

import os
import resource
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def alive(pid: int) -> bool:
    """Whether the process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def running(pid: int, proc: Path = PROC) -> bool:
    """Whether the process exists and has not ended; it may have ended without being waited for."""
    if not proc.joinpath("self").exists():
        return _ps("-o", "stat=", "-p", str(pid)).strip()[:1] not in ("", "Z")
    try:
        return proc.joinpath(str(pid), "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def children(pid: int, proc: Path = PROC) -> list[int]:
    """Running child processes of a process."""
    if not proc.joinpath("self").exists():
        pairs = (line.split() for line in _ps("-A", "-o", "pid=,ppid=").splitlines())
        return [int(child) for child, parent in pairs if int(parent) == pid]
    found: list[int] = []
    try:
        threads = list((proc / str(pid) / "task").iterdir())
    except OSError:  # the process has just ended
        return []
    for thread in threads:
        with suppress(OSError):  # the thread has just ended
            found += map(int, (thread / "children").read_text().split())
    return found


def command_line(pid: int, proc: Path = PROC) -> str:
    """The command line of a process; empty if it ended."""
    if not proc.joinpath("self").exists():
        return _ps("-ww", "-o", "args=", "-p", str(pid)).strip()
    try:
        return proc.joinpath(str(pid), "cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def name(pid: int, proc: Path = PROC) -> str:
    """The name of a process in `top`; empty if it has ended."""
    if not proc.joinpath("self").exists():
        return _ps("-o", "comm=", "-p", str(pid)).strip()
    try:
        return proc.joinpath(str(pid), "comm").read_text().strip()
    except OSError:
        return ""


def peak_memory(proc: Path = PROC) -> float:
    """Peak memory of this process in MiB. On Linux, the value of getrusage includes that of the parent process."""
    try:
        lines = proc.joinpath("self", "status").read_text().splitlines()
    except OSError:
        return max_rss(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 2**20
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def available_memory(proc: Path = PROC) -> int:
    """Bytes of memory that can be used without swapping; 0 if unknown."""
    try:
        lines = proc.joinpath("meminfo").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")), 0)


def max_rss(told: int) -> int:
    """Bytes of what getrusage calls `ru_maxrss`: KiB on Linux, bytes on macOS."""
    return told if sys.platform == "darwin" else told * 1024


def _ps(*options: str) -> str:
    return subprocess.run(["ps", *options], capture_output=True, text=True, check=False).stdout
