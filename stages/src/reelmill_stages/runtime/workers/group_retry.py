"""How a group that breaks its worker is taken apart, so that one bad item costs no other.

A group is worked on as a whole. If that crashes or hangs, its items are tried one by one in fresh workers: an item in
flight in two crashes is `failed(crash)`, one that hangs alone is `failed(decode_timeout)`. A video that hangs
hangs for each of its clips: after a few the rest of the group is given up too.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from reelmill.contract.reasons import ItemReason
from reelmill.contract.record import Outcome
from reelmill_stages.runtime.inputs import ShardInput
from reelmill_stages.runtime.workers.messages import InputResult

CRASHES = 2
"""An item in flight in so many crashes is failed."""

TIMEOUTS = 3
"""A group in which so many attempts timed out is given up."""


@dataclass(slots=True)
class InputOutcome:
    """A result on its way from a worker to the ledger."""

    given: ShardInput
    result: InputResult
    seconds: float
    slot: "Slot"
    fresh: bool = True
    """Settled by this run, not taken over from an earlier one."""


@dataclass(slots=True)
class Unit:
    """Inputs of one slot that are tried together, and how many crashes they were in flight in."""

    slot: "Slot"
    given: list[ShardInput]
    crashes: int = 0
    folder: Path | None = None
    """Scratch of the present try."""
    alone: bool = False
    """Nothing else may be in flight beside it."""


@dataclass(slots=True)
class Slot:
    """One group of a shard and the results that it has so far, by place in the shard."""

    group: list[ShardInput]
    told: dict[int, InputOutcome] = field(default_factory=dict)
    timeouts: int = 0
    folders: list[Path] = field(default_factory=list)
    """Scratch folders of its finished units: payload lies there."""

    @property
    def is_complete(self) -> bool:
        return len(self.told) == len(self.group)

    def tell(self, given: ShardInput, result: InputResult, seconds: float = 0.0, *, fresh: bool = True) -> InputOutcome:
        told = self.told[given.position] = InputOutcome(given, result, seconds, self, fresh)
        return told

    def ordered(self) -> list[InputOutcome]:
        return [self.told[given.position] for given in self.group]


class Units:
    """What is still to be tried, broken groups first."""

    def __init__(self) -> None:
        self._waiting: deque[Unit] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, unit: Unit) -> None:
        self._waiting.append(unit)

    @property
    def first(self) -> Unit:
        return self._waiting[0]

    def take(self) -> Unit:
        return self._waiting.popleft()

    def crashed(self, unit: Unit, message: str) -> Iterable[InputOutcome]:
        """A unit crashed its worker: gives the results that this settles, and tries again what it does not."""
        unit.crashes += 1
        if len(unit.given) > 1:
            self._split(unit)
            return []
        if unit.crashes < CRASHES:
            self._waiting.appendleft(unit)
            return []
        failed = InputResult(Outcome.FAILED, ItemReason.CRASH, f"the worker died on this item: {message}")
        return [unit.slot.tell(unit.given[0], failed)]

    def timed_out(self, unit: Unit, seconds: float) -> list[InputOutcome]:
        """A unit hung until it was killed."""
        slot = unit.slot
        slot.timeouts += 1
        lost = InputResult(Outcome.FAILED, ItemReason.DECODE_TIMEOUT, f"no result after {seconds:g} s")
        if len(unit.given) > 1 and slot.timeouts < TIMEOUTS:
            self._split(unit)
            return []
        told = [slot.tell(given, lost, seconds) for given in unit.given]
        if slot.timeouts >= TIMEOUTS:
            rest = [waiting for waiting in self._waiting if waiting.slot is slot]
            self._waiting = deque(waiting for waiting in self._waiting if waiting.slot is not slot)
            told += [slot.tell(given, lost) for waiting in rest for given in waiting.given]
        return told

    def _split(self, unit: Unit) -> None:
        for given in reversed(unit.given):
            self._waiting.appendleft(Unit(unit.slot, [given], unit.crashes))
