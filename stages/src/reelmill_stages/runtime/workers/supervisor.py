"""The worker processes of a pool and their watchdog: who is idle, who works on what, who has to be killed.

What happens to them is told as events; what that means for the items is not known here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from pathlib import Path
from time import monotonic

from reelmill.contract.errors import ReelmillError, TransientError
from reelmill_stages.runtime.workers.child_process import WorkerProcess
from reelmill_stages.runtime.workers.group_retry import Unit
from reelmill_stages.runtime.workers.messages import (
    Crashed,
    Fatal,
    Finished,
    Job,
    Message,
    Processed,
    Ready,
    WorkerConfig,
)

UPLOAD_SECONDS = 1800.0
"""A worker that uploads one group for so long is stuck in the network, not in the item."""
START_SECONDS = 300.0
"""A worker that has not imported its stage by then is broken."""
_START_FAILURES = 3


@dataclass(frozen=True, slots=True)
class SupervisorConfig:
    """`worker` is what each is told (its index and folder are filled in); `timeout` seconds for one group."""

    worker: WorkerConfig
    workers: int
    timeout: float
    folder: Path
    memory: int | None
    """Bytes that all workers together may use before the largest is killed; None: no limit."""


@dataclass(frozen=True, slots=True)
class WorkerAnswered:
    """A worker is through with a unit."""

    unit: Unit
    finished: Finished


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker died, or was killed for its memory, with a unit in flight."""

    unit: Unit
    how: str


@dataclass(frozen=True, slots=True)
class WorkerTimedOut:
    """A worker was killed because a unit took too long."""

    unit: Unit


Event = WorkerAnswered | WorkerLost | WorkerTimedOut


class Supervisor:
    """Up to so many worker processes, started when there is work for them."""

    def __init__(self, config: SupervisorConfig) -> None:
        self._config = config
        self._workers: dict[int, WorkerProcess] = {}
        self._idle: list[int] = []
        self._busy: dict[int, Unit] = {}
        self._folders = 0
        self._failed_starts = 0

    @property
    def idle(self) -> int:
        return len(self._idle)

    @property
    def busy(self) -> int:
        return len(self._busy)

    def reinforce(self, waiting: int) -> None:
        """Start workers for units that wait, as many as are allowed and not already starting."""
        starting = len(self._workers) - self.busy - self.idle
        for _ in range(min(waiting - self.idle - starting, self._config.workers - len(self._workers))):
            self._start()

    def give(self, unit: Unit) -> list[Event]:
        """Hand a unit to an idle worker, with an empty folder."""
        index = self._idle.pop()
        self._folders += 1
        unit.folder = self._config.folder / f"group-{self._folders:08d}"
        unit.folder.mkdir()
        self._busy[index] = unit
        try:
            self._workers[index].give(Job([given.input for given in unit.given], unit.folder))
        except OSError:
            return list(self._gone(index, self._workers[index].ended()))
        return []

    def listen(self, other: int, timeout: float) -> Iterator[Event]:
        """What workers say within `timeout` seconds; returns early when the descriptor `other` can be read.

        Raises what makes it impossible to go on in this pod.
        """
        connections = {worker.connection: index for index, worker in self._workers.items()}
        for ready in wait([*connections, other], timeout):
            if isinstance(ready, int):
                continue
            index = connections[ready]  # type: ignore[index]
            try:
                message = self._workers[index].receive()
            except EOFError:
                yield from self._gone(index, self._workers[index].ended())
            else:
                yield from self._heard(index, message)

    def watch(self) -> Iterator[Event]:
        """The watchdog: kills what takes too long, and the largest when all together take too much memory."""
        now = monotonic()
        for index, worker in list(self._workers.items()):
            spent = now - worker.since
            if index not in self._busy:
                if not worker.ready and spent > START_SECONDS:
                    yield from self._kill(index, f"not started after {START_SECONDS:g} s")
            elif worker.uploading:
                if spent > UPLOAD_SECONDS:
                    raise TransientError(f"an upload takes more than {UPLOAD_SECONDS:g} s", hint="look at the store")
            elif spent > self._config.timeout:
                unit = self._busy[index]
                list(self._kill(index, "timeout"))
                yield WorkerTimedOut(unit)
        yield from self._guard_memory()

    def kill(self) -> None:
        """End everybody."""
        for worker in self._workers.values():
            worker.kill()
        self._workers.clear()

    def _start(self) -> None:
        index = next(number for number in range(self._config.workers) if number not in self._workers)
        folder = self._config.folder / f"worker-{index}"
        folder.mkdir(exist_ok=True)
        try:
            self._workers[index] = WorkerProcess(replace(self._config.worker, index=index, folder=folder))
        except OSError as error:  # it died before it could read its configuration, or cannot be started at all
            raise TransientError(f"no worker process can be started: {error}") from error

    def _heard(self, index: int, message: Message) -> Iterator[Event]:
        worker = self._workers[index]
        match message:
            case Ready():
                worker.ready = True
                self._failed_starts = 0
                self._idle.append(index)
            case Processed():
                worker.uploading = True
                worker.since = monotonic()
            case Finished():
                self._idle.append(index)
                yield WorkerAnswered(self._busy.pop(index), message)
            case Crashed():
                yield from self._kill(index, message.message)
            case Fatal():
                raise message.error

    def _kill(self, index: int, why: str) -> Iterator[Event]:
        self._workers[index].kill()
        yield from self._gone(index, why)

    def _gone(self, index: int, how: str) -> Iterator[Event]:
        worker = self._workers.pop(index)
        if index in self._idle:
            self._idle.remove(index)
        unit = self._busy.pop(index, None)
        if unit is not None:
            yield WorkerLost(unit, how)
        elif not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _START_FAILURES:
                raise ReelmillError(f"workers die before they begin: {how}", hint="look at this pod's log")

    def _guard_memory(self) -> Iterator[Event]:
        limit = self._config.memory
        if limit is None or not self._busy:
            return
        sizes = {index: self._workers[index].rss() for index in self._busy}
        if sum(sizes.values()) > limit:
            largest = max(sizes, key=lambda index: sizes[index])
            why = f"out of memory: it had {sizes[largest]} bytes, all workers may have {limit}"
            yield from self._kill(largest, why)
