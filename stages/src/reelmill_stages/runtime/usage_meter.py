"""Usage of this step and its workers: CPU, GPUs, bytes and time. Each amount is reported once.

In a pod, the kernel counts the whole container. On one machine, a step counts its own process and its child processes:
ended ones from the kernel's accounting, running workers from the process file system.
"""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from reelmill.contract.records.usage import Usage
from reelmill.contract.task import RUN_PID_ENV
from reelmill_stages.host.cpu_time import container_cpu, processes_cpu, running_cpu
from reelmill_stages.store.metered import TRANSFERRED, Transferred

Pids = Callable[[], Collection[int]]
"""Returns the process ids of the running workers."""


class GpuCounter(Protocol):
    """Counts seconds of GPUs (`media.gpu_time`)."""

    def tick(self) -> None: ...

    def take(self) -> Usage: ...


class UsageMeter:
    """Adds up usage until it is taken for a record."""

    def __init__(
        self, env: Mapping[str, str], *, whole_process: bool = False, transferred: Transferred = TRANSFERRED
    ) -> None:
        """With `whole_process`, earlier usage of the process, or its container, is included."""
        self.in_pod = not env.get(RUN_PID_ENV) and container_cpu() is not None
        """Whether this is the only step in its container."""
        self._transferred = transferred
        self._known = Usage()
        self._workers: Pids = tuple
        self._gpu: GpuCounter | None = None
        self._cpu = 0.0 if whole_process else self._cpu_now()
        self._since = time.monotonic()
        transferred.take()

    def watch(self, workers: Pids, gpu: GpuCounter) -> None:
        """Count running workers and GPUs, too, until `unwatch`."""
        self._workers, self._gpu = workers, gpu

    def unwatch(self) -> None:
        """Stop counting, after the workers have ended."""
        self._count_usage()
        self._workers, self._gpu = tuple, None

    def add(self, usage: Usage) -> None:
        """Add usage reported by a worker, or taken for a record that was not written."""
        self._known += usage

    def tick(self) -> None:
        """Sample the GPUs; call this about every second."""
        if self._gpu:
            self._gpu.tick()

    def so_far(self) -> Usage:
        """The usage since the last `take`."""
        self._count_usage()
        return self._known

    def take(self) -> Usage:
        """The usage since the last call."""
        self._count_usage()
        found, self._known = self._known, Usage()
        return found

    def _count_usage(self) -> None:
        now, cpu = time.monotonic(), self._cpu_now()
        read, written = self._transferred.take()
        self._known += Usage(
            cpu_seconds=max(cpu - self._cpu, 0.0),
            pod_seconds=now - self._since,
            bytes_read=read,
            bytes_written=written,
        )
        if self._gpu:
            self._known += self._gpu.take()
        self._cpu, self._since = cpu, now

    def _cpu_now(self) -> float:
        found = container_cpu() if self.in_pod else None
        return processes_cpu() + sum(map(running_cpu, self._workers())) if found is None else found
