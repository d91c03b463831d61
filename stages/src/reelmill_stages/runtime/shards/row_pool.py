"""Replacement for the worker pool for a stage that reads no media: `process` is called here, for many inputs at once.

Such a stage decides about a million items in the time in which half of them would be sent to a worker. It is one of
reelmill's own stages, so it runs without a watchdog. An input for which it raises fails alone, with the reason `crash`.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import NoReturn

from reelmill.contract.errors import ItemError
from reelmill.contract.process.exhaustion import exhausted
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item, Media, Outcome
from reelmill.contract.records.usage import Bound, Usage
from reelmill.contract.text.messages import shortened
from reelmill_stages.item_errors import failed
from reelmill_stages.media_file import MediaFile
from reelmill_stages.metering.work_clock import CLOCK
from reelmill_stages.records.rows.encoded_item import EncodedItem, passed_on
from reelmill_stages.runtime.inputs import ShardInput
from reelmill_stages.runtime.outputs.item_row import item_row
from reelmill_stages.runtime.workers.group_retry import InputOutcome, Slot
from reelmill_stages.runtime.workers.messages import InputResult
from reelmill_stages.runtime.workers.worker_main import not_done
from reelmill_stages.stage import Answers, Done, NewItem, Result, Stage

BATCH = 32
"""Number of inputs that are processed at once."""


class RowPool:
    """Processes inputs in this process; used as `workers.pool.Pool`."""

    def __init__(
        self,
        stage: Stage,
        inputs: Iterator[ShardInput],
        *,
        known: Callable[[ShardInput], tuple[InputResult, float] | None],
        settle: Callable[[InputOutcome], None],
        tick: Callable[[], None],
        stop: threading.Event,
    ) -> None:
        self._stage = stage
        self._inputs = inputs
        self._known = known
        self._settle = settle
        self._tick = tick
        self._stop = stop
        CLOCK.restart(Bound.COMPUTE)

    fewer_workers = False

    @property
    def pids(self) -> list[int]:
        """Empty: there are no workers."""
        return []

    def take_usage(self) -> Usage:
        """The usage of time in this process since the last call."""
        return Usage(work=CLOCK.take())

    def results(self) -> Iterator[InputOutcome]:
        """Results in order of the inputs; ends early if the process was asked to stop."""
        while not self._stop.is_set() and (batch := list(islice(self._inputs, BATCH))):
            slot = Slot(batch)
            unknown: list[ShardInput] = []
            for given in batch:
                known = self._known(given)
                if known is None:
                    unknown.append(given)
                else:
                    slot.set_outcome(given, *known, fresh=False)
            began = monotonic()
            found = self._results(unknown)
            seconds = (monotonic() - began) / max(len(unknown), 1)
            for given, result in zip(unknown, found, strict=True):
                self._settle(slot.set_outcome(given, result, seconds))
            yield from slot.ordered()
            slot.outcomes.clear()  # outcomes and slot form a cycle, which would wait for the garbage collector
            self._tick()

    def close(self) -> None:
        """Do nothing: there are no workers to end."""

    def _results(self, given: Sequence[ShardInput]) -> list[InputResult]:
        try:
            results = list(self._stage.process([one.input for one in given], _NO_WORK)) if given else []
            if len(results) != len(given):
                raise ValueError(f"the stage returned {len(results)} results for {len(given)} inputs")
            return [self._input_result(one, result) for one, result in zip(given, results, strict=True)]
        except Exception as error:
            if exhausted(error):
                raise
            if len(given) > 1:
                return [result for one in given for result in self._results([one])]
            if isinstance(error, ItemError):
                return [not_done(failed(error))]
            message = f"the stage raised on this item: {type(error).__name__}: {error}"
            return [InputResult(Outcome.FAILED, ItemReason.CRASH, shortened(message))]

    def _input_result(self, given: ShardInput, result: Result) -> InputResult:
        if not isinstance(result, Done):
            return not_done(result)
        ordered = given.input.item.position is not None and len(result.items) == 1
        position = given.input.number if ordered else None
        items = [_row(given, new, position) for new in result.items]
        signature = result.signature if self._stage.decides else None
        return InputResult(
            Outcome.DONE, message=result.message, items=items, counters=dict(result.counters), signature=signature
        )


class _NoWork:
    """The environment of a stage that needs none. Everything raises TypeError."""

    gpu = None

    @property
    def scratch(self) -> Path:
        self._refuse()

    @property
    def answers(self) -> Answers:
        self._refuse()

    def fetch(self, media: Media) -> Path:
        self._refuse()

    def open(self, media: Media) -> MediaFile:
        self._refuse()

    def read(self, uri: str, digest: str = "") -> Path:
        self._refuse()

    def files_in(self, uri: str, source: str) -> Iterator[Media]:
        self._refuse()

    def content(self, media: Media) -> bytes:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise TypeError("a stage that declares that it reads no media uses its environment")


_NO_WORK = _NoWork()


def _row(given: ShardInput, new: NewItem, position: int | None) -> EncodedItem:
    """The row of a new item: the row of the input if the stage passes it on."""
    item = given.input.item
    row = passed_on(item, given.row) if given.row and _is_same(new, item) else None
    return row or item_row(new, {}, position)


def _is_same(new: NewItem, item: Item) -> bool:
    return (
        new.fields is item.fields
        and new.provenance is item.provenance
        and new.media is item.media
        and new.key == item.key
        and new.group == item.group
        and new.weight == item.weight
        and not new.files
    )
