"""CPU seconds (user and system) of a container, of this process and its children, and of another running process.

All figures come from the kernel's counters.
"""

import os
import resource
from pathlib import Path

from reelmill.processes.forked import forked_cpu_seconds
from reelmill_stages.host.cgroup import ROOT
from reelmill_stages.host.resident import PROC

_TICKS = os.sysconf("SC_CLK_TCK")


def container_cpu(root: Path = ROOT) -> float | None:
    """Return the CPU seconds of all processes of this container since its start.

    Read from `usage_usec` of `cpu.stat` (cgroup v2). Returns None if the file does not belong to a container: with
    cgroup version 1, and in the root cgroup, which has no `cgroup.type`.
    """
    try:
        if not (root / "cgroup.type").exists():
            return None
        words = dict(line.split() for line in (root / "cpu.stat").read_text().splitlines())
        return int(words["usage_usec"]) / 1e6
    except (OSError, KeyError, ValueError):
        return None


def processes_cpu() -> float:
    """Return the CPU seconds of this process and of ended processes that it started or had forked (getrusage(2))."""
    mine = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in (mine, children)) + forked_cpu_seconds()


def running_cpu(pid: int, proc: Path = PROC) -> float:
    """Return the CPU seconds of a process and its ended children; 0 if unknown.

    Read from `utime` to `cstime` of proc_pid_stat(5).
    """
    try:
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS
    except (OSError, IndexError, ValueError):
        return 0.0
