"""Check whether a recorded process of this machine and boot is still running.

A process id is valid only within one PID namespace of one running kernel, and ids are reused. The record therefore
identifies the kernel and the namespace as well, and has the start time of the process (proc(5), proc_pid_stat(5),
pid_namespaces(7)).
"""

from pathlib import Path

from reelmill.contract.digest import fingerprint
from reelmill.contract.records.heartbeat import LocalProcess

PROC = Path("/proc")


def local_process(pid: int, proc: Path = PROC) -> LocalProcess | None:
    """Return the record of a process; None if it has ended, or if the system is not Linux."""
    kernel, started = _kernel_id(proc), _start_time(pid, proc)
    if not kernel or started is None:
        return None
    return LocalProcess(kernel=kernel, pid=pid, started=started)


def is_dead(process: LocalProcess, proc: Path = PROC) -> bool:
    """Whether the process belonged to this kernel and PID namespace and has ended. False if unknown."""
    return process.kernel == _kernel_id(proc) and _start_time(process.pid, proc) != process.started


def is_alive(process: LocalProcess, proc: Path = PROC) -> bool:
    """Whether the process belongs to this kernel and PID namespace and is running. False if unknown."""
    return process.kernel == _kernel_id(proc) and _start_time(process.pid, proc) == process.started


def _kernel_id(proc: Path) -> str:
    """Return an identifier of this boot and PID namespace; empty if unknown."""
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
        return fingerprint(["reelmill", boot, str((proc / "self/ns/pid").readlink())])[:16]
    except OSError:
        return ""


def _start_time(pid: int, proc: Path) -> int | None:
    """Return the start time of a process in clock ticks since boot; None if it has ended or is a zombie."""
    try:
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in "ZX" else int(fields[19])
    except (OSError, IndexError, ValueError):
        return None
