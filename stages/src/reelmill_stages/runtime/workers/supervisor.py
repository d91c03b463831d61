"""The worker processes of a pool and their watchdog, which reports results, losses and timeouts as events."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from pathlib import Path
from time import monotonic

from reelmill.contract.errors import Exhausted, ReelmillError, TransientError
from reelmill.contract.process.exhaustion import exhausted
from reelmill.contract.reasons import ItemReason
from reelmill_stages.runtime.workers.child_process import WorkerProcess
from reelmill_stages.runtime.workers.group_retry import RetryUnit
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
"""Seconds after which an upload of one group counts as a failure of the network."""
START_SECONDS = 300.0
"""Seconds after which a worker that has not imported its stage is killed."""
_START_FAILURES = 3


@dataclass(frozen=True, slots=True)
class SupervisorConfig:
    """Configuration of a supervisor.

    `worker` is the template for each worker; `timeout` is the limit in seconds per group.
    """

    worker: WorkerConfig
    workers: int
    timeout: float
    folder: Path
    memory: int | None
    """Total memory of all workers in bytes, above which the largest is killed; None: no limit."""


@dataclass(frozen=True, slots=True)
class WorkerAnswered:
    """A worker finished a unit."""

    unit: RetryUnit
    finished: Finished


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker crashed, ran out of a resource, or was killed because of its memory, while processing a unit."""

    unit: RetryUnit
    how: str
    reason: ItemReason
    """`crash`, or the resource that it ran out of."""


@dataclass(frozen=True, slots=True)
class WorkerTimedOut:
    """A worker was killed because a unit took too long."""

    unit: RetryUnit


Event = WorkerAnswered | WorkerLost | WorkerTimedOut


class Supervisor:
    """Worker processes, started on demand up to a maximum number."""

    def __init__(self, config: SupervisorConfig) -> None:
        self._config = config
        self._workers: dict[int, WorkerProcess] = {}
        self._idle: list[int] = []
        self._busy: dict[int, RetryUnit] = {}
        self._used: set[int] = set()
        self._limit = config.workers
        self._folders = 0
        self._failed_starts = 0

    @property
    def idle(self) -> int:
        return len(self._idle)

    @property
    def busy(self) -> int:
        return len(self._busy)

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers."""
        return [worker.pid for worker in list(self._workers.values())]

    def start_workers(self, waiting: int) -> None:
        """Start workers for waiting units, up to the maximum number."""
        starting = len(self._workers) - self.busy - self.idle
        for _ in range(min(waiting - self.idle - starting, self._limit - len(self._workers))):
            self._start()

    def retire_used(self) -> None:
        """Kill idle workers that have processed something, to free their memory and files."""
        for index in self._used.intersection(self._idle):
            self._idle.remove(index)
            self._used.remove(index)
            self._workers.pop(index).kill()

    def reduce(self) -> bool:
        """Reduce the maximum number of workers by one, because together they need too much.

        Returns whether there were several.
        """
        if self._limit == 1:
            return False
        self._limit -= 1
        while len(self._workers) > self._limit and self._idle:
            index = self._idle.pop()
            self._used.discard(index)
            self._workers.pop(index).kill()
        return True

    def give(self, unit: RetryUnit) -> list[Event]:
        """Hand a unit to an idle worker, with an empty folder."""
        index = self._idle.pop()
        self._used.add(index)
        self._folders += 1
        unit.folder = self._config.folder / f"group-{self._folders:08d}"
        unit.folder.mkdir()
        self._busy[index] = unit
        try:
            self._workers[index].give(Job([given.input for given in unit.given], unit.folder))
        except OSError:
            return list(self._remove_worker(index, *self._workers[index].ended()))
        return []

    def listen(self, other: int, timeout: float) -> Iterator[Event]:
        """Events of the workers within `timeout` seconds; returns early if the descriptor `other` is readable.

        Raises errors that prevent any further work in this pod.
        """
        connections = {worker.connection: index for index, worker in self._workers.items()}
        for ready in wait([*connections, other], timeout):
            if isinstance(ready, int):
                continue
            index = connections[ready]  # type: ignore[index]
            try:
                message = self._workers[index].receive()
            except EOFError:
                yield from self._remove_worker(index, *self._workers[index].ended())
            else:
                yield from self._handle_message(index, message)

    def watch(self) -> Iterator[Event]:
        """The watchdog: kill workers that exceed the time limit, and the largest one above the memory limit."""
        now = monotonic()
        for index, worker in list(self._workers.items()):
            spent = now - worker.since
            if index not in self._busy:
                if not worker.ready and spent > START_SECONDS:
                    yield from self._kill(index, f"not started after {START_SECONDS:g} s")
            elif worker.uploading:
                if spent > UPLOAD_SECONDS:
                    raise TransientError(
                        f"an upload takes more than {UPLOAD_SECONDS:g} s", hint="check the store and the network"
                    )
            elif spent > self._config.timeout:
                unit = self._busy[index]
                list(self._kill(index, "timeout"))
                yield WorkerTimedOut(unit)
        yield from self._kill_over_memory_limit()

    def kill(self) -> None:
        """Kill all workers."""
        for worker in self._workers.values():
            worker.kill()
        self._workers.clear()

    def _start(self) -> None:
        index = next(number for number in range(self._config.workers) if number not in self._workers)
        folder = self._config.folder / f"worker-{index}"
        folder.mkdir(exist_ok=True)
        try:
            self._workers[index] = WorkerProcess(replace(self._config.worker, index=index, folder=folder))
        except OSError as error:  # the process cannot be started, or ended before it read its configuration
            if not self._can_work_with_fewer(exhausted(error)):
                raise TransientError(
                    f"cannot start a worker process: {error}", hint="check what else runs on this machine"
                ) from error

    def _can_work_with_fewer(self, short_of: ItemReason | None) -> bool:
        """Whether the existing workers can do the work if the machine allows no more."""
        if short_of is None or not self._workers:
            return False
        self._limit = len(self._workers)
        return True

    def _handle_message(self, index: int, message: Message) -> Iterator[Event]:
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
                yield from self._kill(index, message.message, message.reason)
            case Fatal():
                raise message.error

    def _kill(self, index: int, why: str, reason: ItemReason = ItemReason.CRASH) -> Iterator[Event]:
        self._workers[index].kill()
        yield from self._remove_worker(index, why, reason)

    def _remove_worker(self, index: int, how: str, reason: ItemReason = ItemReason.CRASH) -> Iterator[Event]:
        worker = self._workers.pop(index)
        self._used.discard(index)
        if index in self._idle:
            self._idle.remove(index)
        unit = self._busy.pop(index, None)
        if unit is not None:
            yield WorkerLost(unit, how, reason)
        elif not worker.ready:
            self._count_failed_start(how, reason)

    def _count_failed_start(self, how: str, reason: ItemReason) -> None:
        short_of = None if reason is ItemReason.CRASH else reason
        if self._can_work_with_fewer(short_of):
            return
        self._failed_starts += 1
        if self._failed_starts < _START_FAILURES:
            return
        if short_of:
            raise Exhausted(
                short_of,
                f"a worker process without an item fails, too: {how}",
                hint="give the stage or this machine more of it, then run again to continue",
            )
        raise ReelmillError(f"workers end before they are ready: {how}", hint="see the log of this pod")

    def _kill_over_memory_limit(self) -> Iterator[Event]:
        limit = self._config.memory
        if limit is None or not self._busy:
            return
        sizes = {index: self._workers[index].rss() for index in self._busy}
        if sum(sizes.values()) > limit:
            largest = max(sizes, key=lambda index: sizes[index])
            why = f"it used {sizes[largest]} bytes; the limit for all workers is {limit}"
            yield from self._kill(largest, why, ItemReason.OUT_OF_MEMORY)
