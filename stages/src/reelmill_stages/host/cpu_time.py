"""Seconds of CPU, user and system, by the kernel's counters: of a container, of this process with those it has started,
and of another process that runs.
"""

import os
import resource
from pathlib import Path

from reelmill.processes.forked import forked_cpu_seconds
from reelmill_stages.host.cgroup import ROOT
from reelmill_stages.host.resident import PROC

_TICKS = os.sysconf("SC_CLK_TCK")


def container_cpu(root: Path = ROOT) -> float | None:
    """What all processes of this container have used since it started: `usage_usec` of its `cpu.stat` (cgroup v2).

    None where the file is not a container's own: in version 1, and in the root of all cgroups, which has no
    `cgroup.type`.
    """
    try:
        if not (root / "cgroup.type").exists():
            return None
        words = dict(line.split() for line in (root / "cpu.stat").read_text().splitlines())
        return int(words["usage_usec"]) / 1e6
    except (OSError, KeyError, ValueError):
        return None


def processes_cpu() -> float:
    """What this process has used, and the processes that it started, or had forked, that have ended (getrusage(2))."""
    mine = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in (mine, children)) + forked_cpu_seconds()


def running_cpu(pid: int, proc: Path = PROC) -> float:
    """What a process and its ended children have used (`utime` to `cstime` of proc_pid_stat(5)); 0 when unknown."""
    try:
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS
    except (OSError, IndexError, ValueError):
        return 0.0
