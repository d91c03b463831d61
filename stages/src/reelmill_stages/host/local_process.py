"""Whether a process that a record names is still there, where the record comes from this machine and this boot.

A process id means something only inside one PID namespace of one running kernel, and is used again later. So the record
has all of them and the time at which the process started (proc(5), proc_pid_stat(5), pid_namespaces(7)).
"""

from pathlib import Path

from reelmill.contract.digest import fingerprint
from reelmill.contract.records.heartbeat import LocalProcess

PROC = Path("/proc")


def local_process(pid: int, proc: Path = PROC) -> LocalProcess | None:
    """The record of a process; None where it is gone, or the system does not say (only Linux does)."""
    kernel, started = _kernel(proc), _started(pid, proc)
    if not kernel or started is None:
        return None
    return LocalProcess(kernel=kernel, pid=pid, started=started)


def is_dead(process: LocalProcess, proc: Path = PROC) -> bool:
    """Whether the process belonged to this kernel and PID namespace, and is gone. False where nobody knows."""
    return process.kernel == _kernel(proc) and _started(process.pid, proc) != process.started


def is_alive(process: LocalProcess, proc: Path = PROC) -> bool:
    """Whether the process is one of this kernel and PID namespace, and runs. False where nobody knows."""
    return process.kernel == _kernel(proc) and _started(process.pid, proc) == process.started


def _kernel(proc: Path) -> str:
    """Digits that tell this boot and PID namespace from all others; empty if unknown."""
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
        return fingerprint(["reelmill", boot, str((proc / "self/ns/pid").readlink())])[:16]
    except OSError:
        return ""


def _started(pid: int, proc: Path) -> int | None:
    """Clock ticks from boot to the start of a process that runs; None for one that is gone or a zombie."""
    try:
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in "ZX" else int(fields[19])
    except (OSError, IndexError, ValueError):
        return None
