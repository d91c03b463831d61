"""CPU and memory limits of this container's cgroup, versions 2 and 1."""

import math
import os
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60


def cpus(root: Path = ROOT) -> int:
    """Return the number of CPUs of this process: its cgroup quota, rounded up, or CPU affinity if lower; at least 1."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(root)
    return max(1, allowed if quota is None else min(allowed, math.ceil(quota)))


def memory(root: Path = ROOT) -> int | None:
    """Return the memory limit of the cgroup in bytes, or None if there is no limit."""
    for file in ("memory.max", "memory/memory.limit_in_bytes"):
        text = _text(root / file)
        if text:
            limit = _UNLIMITED if text == "max" else int(text)
            return None if limit >= _UNLIMITED else limit
    return None


def _quota(root: Path) -> float | None:
    both = _text(root / "cpu.max").split()
    if len(both) == 2:
        return None if both[0] == "max" else int(both[0]) / int(both[1])
    quota, period = _text(root / "cpu/cpu.cfs_quota_us"), _text(root / "cpu/cpu.cfs_period_us")
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
