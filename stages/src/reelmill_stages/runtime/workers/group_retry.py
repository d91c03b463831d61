"""Retries of groups that crash or hang, so that one bad item does not fail others.

A group is processed as a whole. If it crashes or hangs, its items are retried one by one in new workers. An item that
is involved in two crashes is `failed(crash)`. If a process ran out of memory, files or threads, its items are retried
alone, each in a new process, and only those that fail again are failed. An item that hangs alone is
`failed(decode_timeout)`. After several timeouts in a group, its remaining items also fail, because a video that hangs
does so for each of its clips.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Outcome
from reelmill_stages.runtime.inputs import ShardInput
from reelmill_stages.runtime.workers.messages import InputResult

CRASHES = 2
"""Number of crashes after which an item fails."""

TIMEOUTS = 3
"""Number of timeouts after which all remaining items of a group fail."""

_WHAT_HAPPENED = {
    ItemReason.CRASH: "the worker crashed on this item",
    ItemReason.OUT_OF_MEMORY: "a new worker that processed only this item ran out of memory",
    ItemReason.TOO_MANY_FILES: "a new worker that processed only this item ran out of open files",
    ItemReason.TOO_MANY_THREADS: "a new worker that processed only this item ran out of threads",
}


@dataclass(slots=True)
class InputOutcome:
    """The result of an input, on its way to the ledger."""

    given: ShardInput
    result: InputResult
    seconds: float
    slot: "Slot"
    fresh: bool = True
    """Whether this run processed the input, rather than reusing an earlier outcome."""


@dataclass(slots=True)
class RetryUnit:
    """Inputs of one group that are processed together, and the number of crashes so far."""

    slot: "Slot"
    given: list[ShardInput]
    crashes: int = 0
    folder: Path | None = None
    """Scratch folder of the current attempt."""
    alone: bool = False
    """Whether nothing else may be processed at the same time."""
    fresh: bool = False
    """Whether it needs a worker that has processed nothing before; implies `alone`."""


@dataclass(slots=True)
class Slot:
    """One group of a shard, and its results so far by position in the shard."""

    group: list[ShardInput]
    outcomes: dict[int, InputOutcome] = field(default_factory=dict)
    timeouts: int = 0
    folders: list[Path] = field(default_factory=list)
    """Scratch folders of its finished units, which contain the payload."""

    @property
    def is_complete(self) -> bool:
        return len(self.outcomes) == len(self.group)

    def set_outcome(
        self, given: ShardInput, result: InputResult, seconds: float = 0.0, *, fresh: bool = True
    ) -> InputOutcome:
        outcome = self.outcomes[given.position] = InputOutcome(given, result, seconds, self, fresh)
        return outcome

    def ordered(self) -> list[InputOutcome]:
        return [self.outcomes[given.position] for given in self.group]


class RetryUnits:
    """The units to process; retries come first."""

    def __init__(self) -> None:
        self._waiting: deque[RetryUnit] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, unit: RetryUnit) -> None:
        self._waiting.append(unit)

    @property
    def first(self) -> RetryUnit:
        return self._waiting[0]

    def take(self) -> RetryUnit:
        return self._waiting.popleft()

    def crashed(self, unit: RetryUnit, message: str, reason: ItemReason) -> Iterable[InputOutcome]:
        """Handle a crash: returns the results of inputs that fail, and queues the others again.

        `reason` is `crash`, or what the process ran out of.
        """
        unit.crashes += 1
        exhausted = reason is not ItemReason.CRASH
        if len(unit.given) > 1:
            self._split(unit, fresh=exhausted)
            return []
        if unit.crashes < CRASHES or (exhausted and not unit.fresh):
            unit.alone = unit.fresh = unit.fresh or exhausted
            self._waiting.appendleft(unit)
            return []
        failed = InputResult(Outcome.FAILED, reason, f"{_WHAT_HAPPENED[reason]}: {message}")
        return [unit.slot.set_outcome(unit.given[0], failed)]

    def timed_out(self, unit: RetryUnit, seconds: float) -> list[InputOutcome]:
        """Handle a timeout: returns the results of inputs that fail, and queues the others again."""
        slot = unit.slot
        slot.timeouts += 1
        lost = InputResult(Outcome.FAILED, ItemReason.DECODE_TIMEOUT, f"no result after {seconds:g} s")
        if len(unit.given) > 1 and slot.timeouts < TIMEOUTS:
            self._split(unit, fresh=False)
            return []
        outcomes = [slot.set_outcome(given, lost, seconds) for given in unit.given]
        if slot.timeouts >= TIMEOUTS:
            rest = [waiting for waiting in self._waiting if waiting.slot is slot]
            self._waiting = deque(waiting for waiting in self._waiting if waiting.slot is not slot)
            outcomes += [slot.set_outcome(given, lost) for waiting in rest for given in waiting.given]
        return outcomes

    def _split(self, unit: RetryUnit, *, fresh: bool) -> None:
        for given in reversed(unit.given):
            self._waiting.appendleft(RetryUnit(unit.slot, [given], unit.crashes, alone=fresh, fresh=fresh))
