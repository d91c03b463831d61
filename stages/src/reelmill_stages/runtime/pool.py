"""The worker pool and its watchdog: groups out to processes, results back in the order of the inputs.

One thread looks after the workers, so that they stay busy while the shard's own process assembles. Bounded: only so
many groups are taken from the input before the first of them is consumed. The thread calls `settle` as soon as an
input is settled, in any order, and `tick` a few times a second.
"""

import os
import queue
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from pathlib import Path

from reelmill.contract.errors import ReelmillError, TransientError
from reelmill_stages.runtime.inputs import Given
from reelmill_stages.runtime.messages import (
    Crashed,
    Fatal,
    Finished,
    InputResult,
    Job,
    Message,
    Processed,
    Ready,
    WorkerConfig,
)
from reelmill_stages.runtime.process import WorkerProcess
from reelmill_stages.runtime.slots import Slot, Told, Unit, Units

TICK_SECONDS = 0.25
UPLOAD_SECONDS = 1800.0
"""A worker that uploads one group for so long is stuck in the network, not in the item."""
START_SECONDS = 300.0
"""A worker that has not imported its stage by then is broken."""
STOP_SECONDS = 5.0
"""How long groups in flight may go on after SIGTERM."""
_START_FAILURES = 3


@dataclass(frozen=True, slots=True)
class PoolConfig:
    """`worker` is what each is told (its index and folder are filled in); `timeout` seconds for one group."""

    worker: WorkerConfig
    workers: int
    timeout: float
    window: int
    """Groups taken from the input and not yet consumed."""
    folder: Path
    memory: int | None
    """Bytes that all workers together may use before the largest is killed; None: no limit."""


class Pool:
    """Runs groups of inputs. Iterate over `results()`; `close()` ends all workers."""

    def __init__(
        self,
        config: PoolConfig,
        groups: Iterator[list[Given]],
        *,
        known: Callable[[Given], tuple[InputResult, float] | None],
        settle: Callable[[Told], None],
        tick: Callable[[], None],
        stop: threading.Event,
    ) -> None:
        """`known` gives the result and seconds of what is settled already and needs no worker."""
        self._config = config
        self._groups = groups
        self._known = known
        self._settle = settle
        self._tick = tick
        self._stop = stop
        self._exhausted = False
        self._units = Units()
        self._slots: deque[Slot] = deque()
        self._idle: list[int] = []
        self._workers: dict[int, WorkerProcess] = {}
        self._busy: dict[int, Unit] = {}
        self._folders = 0
        self._failed_starts = 0
        self._room = threading.Semaphore(config.window)
        self._complete: queue.SimpleQueue[Slot | BaseException | None] = queue.SimpleQueue()
        self._wake_read, self._wake_write = os.pipe()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._main, name="pool", daemon=True)
        self._thread.start()

    def results(self) -> Iterator[Told]:
        """Results in order of the inputs; ends after the last one, or early when asked to stop.

        Raises whatever makes it impossible to go on in this process.
        """
        while True:
            found = self._complete.get()
            if found is None:
                return
            if isinstance(found, BaseException):
                raise found
            yield from found.ordered()
            self._room.release()
            self._wake()

    def close(self) -> None:
        """Kill what still runs. The pool's thread is gone when this returns."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._wake()
        self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _wake(self) -> None:
        os.write(self._wake_write, b"x")

    def _main(self) -> None:
        try:
            self._loop()
            self._complete.put(None)
        except BaseException as error:
            self._complete.put(error)
        finally:
            for worker in self._workers.values():
                worker.kill()

    def _loop(self) -> None:
        stopped = 0.0
        while not self._closing.is_set():
            if self._stop.is_set():
                stopped = stopped or time.monotonic()
                if not self._busy or time.monotonic() - stopped > STOP_SECONDS:
                    return
            else:
                self._take()
                self._dispatch()
            if self._exhausted and not self._slots:
                return
            self._listen()
            self._watch()
            self._tick()

    def _take(self) -> None:
        """Take groups from the input while there is room and a worker could want them."""
        while not self._exhausted and len(self._units) < self._config.workers and self._room.acquire(blocking=False):
            group = next(self._groups, None)
            if group is None:
                self._exhausted = True
                self._room.release()
                return
            slot = Slot(group)
            self._slots.append(slot)
            unknown: list[Given] = []
            for given in group:
                known = self._known(given)
                if known is None:
                    unknown.append(given)
                else:
                    slot.tell(given, *known, fresh=False)
            if unknown:
                self._units.add(Unit(slot, unknown))
            self._deliver()

    def _dispatch(self) -> None:
        while len(self._units) and (self._idle or len(self._workers) < self._config.workers):
            if not self._idle:
                if len(self._workers) - len(self._busy) - len(self._idle) >= len(self._units):
                    return  # enough are starting
                self._start()
                continue
            index = self._idle.pop()
            unit = self._units.take()
            self._folders += 1
            folder = self._config.folder / f"group-{self._folders:08d}"
            folder.mkdir()
            unit.folder = folder
            self._busy[index] = unit
            try:
                self._workers[index].give(Job([given.input for given in unit.given], folder))
            except OSError:
                self._lost(index, self._workers[index].ended())

    def _start(self) -> None:
        index = next(number for number in range(self._config.workers) if number not in self._workers)
        folder = self._config.folder / f"worker-{index}"
        folder.mkdir(exist_ok=True)
        try:
            self._workers[index] = WorkerProcess(replace(self._config.worker, index=index, folder=folder))
        except OSError as error:  # it died before it could read its configuration, or cannot be started at all
            raise TransientError(f"no worker process can be started: {error}") from error

    def _listen(self) -> None:
        connections = {worker.connection: index for index, worker in self._workers.items()}
        for ready in wait([*connections, self._wake_read], timeout=TICK_SECONDS):
            if ready == self._wake_read:
                os.read(self._wake_read, 4096)
                continue
            index = connections[ready]  # type: ignore[index]
            try:
                message = self._workers[index].receive()
            except EOFError:
                self._lost(index, self._workers[index].ended())
            else:
                self._heard(index, message)

    def _heard(self, index: int, message: Message) -> None:
        worker = self._workers[index]
        match message:
            case Ready():
                worker.ready = True
                self._failed_starts = 0
                self._idle.append(index)
            case Processed():
                worker.uploading = True
                worker.since = time.monotonic()
            case Finished():
                unit = self._busy.pop(index)
                self._idle.append(index)
                if unit.folder:
                    unit.slot.folders.append(unit.folder)
                seconds = message.seconds / len(unit.given)
                for given, result in zip(unit.given, message.results, strict=True):
                    self._settle(unit.slot.tell(given, result, seconds))
                self._deliver()
            case Crashed():
                worker.kill()
                self._lost(index, message.message)
            case Fatal():
                raise message.error

    def _lost(self, index: int, how: str) -> None:
        """A worker is gone, and what it worked on with it."""
        worker = self._workers.pop(index)
        if index in self._idle:
            self._idle.remove(index)
        unit = self._busy.pop(index, None)
        if unit is None:
            if not worker.ready:
                self._failed_starts += 1
                if self._failed_starts >= _START_FAILURES:
                    raise ReelmillError(f"workers die before they begin: {how}", hint="look at this pod's log")
            return
        self._drop_folder(unit)
        self._settle_all(self._units.crashed(unit, how))

    def _watch(self) -> None:
        """The watchdog: kills what takes too long or too much memory."""
        now = time.monotonic()
        for index, worker in list(self._workers.items()):
            spent = now - worker.since
            unit = self._busy.get(index)
            if unit is None:
                if not worker.ready and spent > START_SECONDS:
                    worker.kill()
                    self._lost(index, f"not started after {START_SECONDS:g} s")
            elif worker.uploading and spent > UPLOAD_SECONDS:
                raise TransientError(f"an upload takes more than {UPLOAD_SECONDS:g} s", hint="look at the store")
            elif not worker.uploading and spent > self._config.timeout:
                worker.kill()
                self._workers.pop(index)
                self._busy.pop(index)
                self._drop_folder(unit)
                self._settle_all(self._units.timed_out(unit, self._config.timeout))
        self._guard_memory()

    def _guard_memory(self) -> None:
        limit = self._config.memory
        if limit is None or not self._busy:
            return
        sizes = {index: self._workers[index].rss() for index in self._busy}
        if sum(sizes.values()) > limit:
            largest = max(sizes, key=lambda index: sizes[index])
            self._workers[largest].kill()
            self._lost(largest, f"out of memory: it had {sizes[largest]} bytes, all workers may have {limit}")

    def _settle_all(self, told: Iterable[Told]) -> None:
        for one in told:
            self._settle(one)
        self._deliver()

    def _deliver(self) -> None:
        while self._slots and self._slots[0].is_complete:
            self._complete.put(self._slots.popleft())

    @staticmethod
    def _drop_folder(unit: Unit) -> None:
        if unit.folder:
            shutil.rmtree(unit.folder, ignore_errors=True)
