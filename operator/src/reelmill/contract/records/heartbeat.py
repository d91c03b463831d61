"""The record of who runs a pass, used as its heartbeat and in `pass.json`."""

from reelmill.contract.model import Model

YOUNG_SECONDS = 600.0
"""Seconds without a heartbeat after which another pipeline may take over a pass."""


class LocalProcess(Model):
    """A process on a machine; in a heartbeat, that of a `reelmill run`."""

    kernel: str
    """Identifies the boot and the PID namespace in which `pid` is valid."""
    pid: int
    started: int
    """Clock ticks from boot to its start, because process IDs are reused."""


class Runner(Model):
    """The pipeline that opened or runs a pass."""

    uid: str
    name: str
    run: int
    process: LocalProcess | None = None
    """On one machine, the run that started the step; None in a pod, and in records of version 0.1.0."""
