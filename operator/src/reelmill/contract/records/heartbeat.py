"""Who runs a pass: the record that is its heartbeat, and that opens `pass.json`."""

from reelmill.contract.model import Model

YOUNG_SECONDS = 600.0
"""Seconds without a heartbeat after which another pipeline may take over a pass."""


class LocalProcess(Model):
    """A process of a machine: in a heartbeat, that of a `reelmill run`."""

    kernel: str
    """Tells the boot and the PID namespace in which `pid` means something."""
    pid: int
    started: int
    """Clock ticks from boot to its start, because process ids are used again."""


class Runner(Model):
    """The pipeline that opened or runs a pass."""

    uid: str
    name: str
    run: int
    process: LocalProcess | None = None
    """On one machine, the run that started the step; None in a pod, and in records of version 0.1.0."""
