"""The worker pool: processes groups in worker processes, and returns results in the order of the inputs.

A thread manages the workers, so that they stay busy while the main process assembles. The number of groups that are
taken from the input and not consumed yet is limited. The thread calls `settle` as soon as an input has an outcome, in
any order, and `tick` several times per second.
"""

import os
import queue
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic
from typing import Protocol

from reelmill.contract.records.usage import Usage
from reelmill_stages.runtime.inputs import ShardInput
from reelmill_stages.runtime.workers.group_retry import InputOutcome, RetryUnit, RetryUnits, Slot
from reelmill_stages.runtime.workers.messages import InputResult
from reelmill_stages.runtime.workers.supervisor import (
    Event,
    Supervisor,
    SupervisorConfig,
    WorkerAnswered,
    WorkerLost,
    WorkerTimedOut,
)

TICK_SECONDS = 0.25
STOP_SECONDS = 5.0
"""Seconds that running groups may continue after SIGTERM."""


class InFlight(Protocol):
    """Records the items that are being processed (see `crash_suspects.SuspectNotes`)."""

    def is_suspect(self, key: str) -> bool: ...

    def note(self, keys: Sequence[str], *, alone: bool) -> None: ...


class Pool:
    """Processes groups of inputs. Iterate over `results()`; `close()` ends all workers."""

    def __init__(
        self,
        config: SupervisorConfig,
        groups: Iterator[list[ShardInput]],
        *,
        window: int,
        known: Callable[[ShardInput], tuple[InputResult, float] | None],
        settle: Callable[[InputOutcome], None],
        tick: Callable[[], None],
        stop: threading.Event,
        flight: InFlight | None = None,
    ) -> None:
        """`window` is the maximum number of groups taken from the input and not consumed yet.

        `known` returns the (result, seconds) of inputs that need no processing. `flight` is called before items are
        processed.
        """
        self._config = config
        self._groups = groups
        self._known = known
        self._settle = settle
        self._tick = tick
        self._stop = stop
        self._flight = flight
        self._in_flight: list[RetryUnit] = []
        self._exhausted = False
        self._supervisor = Supervisor(config)
        self._units = RetryUnits()
        self._usage = Usage()
        self.fewer_workers = False
        """Whether there were too many workers for the memory, files or threads of this machine."""
        self._slots: deque[Slot] = deque()
        self._window_room = threading.Semaphore(window)
        self._complete: queue.SimpleQueue[Slot | BaseException | None] = queue.SimpleQueue()
        self._wake_read, self._wake_write = os.pipe()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._main, name="pool", daemon=True)
        self._thread.start()

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers."""
        return self._supervisor.pids

    def take_usage(self) -> Usage:
        """The bytes and time that the workers reported since the last call."""
        found, self._usage = self._usage, Usage()
        return found

    def results(self) -> Iterator[InputOutcome]:
        """Results in order of the inputs; ends after the last one, or early if the process was asked to stop.

        Raises errors that prevent any further work in this process.
        """
        while True:
            found = self._complete.get()
            if found is None:
                return
            if isinstance(found, BaseException):
                raise found
            yield from found.ordered()
            self._window_room.release()
            self._wake()

    def close(self) -> None:
        """Kill all workers, and wait for the thread to end."""
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
            self._supervisor.kill()

    def _loop(self) -> None:
        stopped = 0.0
        os.set_blocking(self._wake_read, False)
        while not self._closing.is_set():
            if self._stop.is_set():
                stopped = stopped or monotonic()
                if not self._supervisor.busy or monotonic() - stopped > STOP_SECONDS:
                    return
            else:
                self._take_groups()
                self._dispatch()
            if self._exhausted and not self._slots:
                return
            self._handle(self._supervisor.listen(self._wake_read, TICK_SECONDS))
            self._handle(self._supervisor.watch())
            self._tick()
            self._clear_wakeups()

    def _clear_wakeups(self) -> None:
        try:
            os.read(self._wake_read, 4096)
        except BlockingIOError:
            pass

    def _take_groups(self) -> None:
        """Take groups from the input while the window has room."""
        while (
            not self._exhausted
            and len(self._units) < self._config.workers
            and self._window_room.acquire(blocking=False)
        ):
            group = next(self._groups, None)
            if group is None:
                self._exhausted = True
                self._window_room.release()
                return
            slot = Slot(group)
            self._slots.append(slot)
            unknown: list[ShardInput] = []
            for given in group:
                known = self._known(given)
                if known is None:
                    unknown.append(given)
                else:
                    slot.set_outcome(given, *known, fresh=False)
            suspects = [given for given in unknown if self._flight and self._flight.is_suspect(given.key)]
            for given in suspects:
                self._units.add(RetryUnit(slot, [given], alone=True))
            if rest := [given for given in unknown if given not in suspects]:
                self._units.add(RetryUnit(slot, rest))
            self._deliver()

    def _dispatch(self) -> None:
        if len(self._units) and self._units.first.fresh and not self._in_flight:
            self._supervisor.retire_used()
        self._supervisor.start_workers(len(self._units))
        while len(self._units) and self._supervisor.idle and self._may_start(self._units.first):
            unit = self._units.take()
            self._in_flight.append(unit)
            self._note_in_flight()
            self._handle(self._supervisor.give(unit))

    def _may_start(self, unit: RetryUnit) -> bool:
        return not self._in_flight or not (unit.alone or self._in_flight[0].alone)

    def _end_flight(self, unit: RetryUnit) -> None:
        self._in_flight = [started for started in self._in_flight if started is not unit]
        if unit.alone:
            self._note_in_flight()

    def _note_in_flight(self) -> None:
        if self._flight:
            keys = [given.key for unit in self._in_flight for given in unit.given]
            self._flight.note(keys, alone=bool(self._in_flight) and self._in_flight[0].alone)

    def _handle(self, events: Iterable[Event]) -> None:
        for event in events:
            self._end_flight(event.unit)
            match event:
                case WorkerAnswered(unit, finished):
                    self._usage += finished.usage
                    if unit.fresh:  # it runs alone, so it does not affect others
                        self.fewer_workers = self._supervisor.reduce() or self.fewer_workers
                    if unit.folder:
                        unit.slot.folders.append(unit.folder)
                    seconds = finished.seconds / len(unit.given)
                    pairs = zip(unit.given, finished.results, strict=True)
                    outcomes = [unit.slot.set_outcome(given, result, seconds) for given, result in pairs]
                case WorkerLost(unit, how, reason):
                    _drop_folder(unit)
                    outcomes = list(self._units.crashed(unit, how, reason))
                case WorkerTimedOut(unit):
                    _drop_folder(unit)
                    outcomes = self._units.timed_out(unit, self._config.timeout)
            for one in outcomes:
                self._settle(one)
            self._deliver()

    def _deliver(self) -> None:
        while self._slots and self._slots[0].is_complete:
            self._complete.put(self._slots.popleft())


def _drop_folder(unit: RetryUnit) -> None:
    if unit.folder:
        shutil.rmtree(unit.folder, ignore_errors=True)
