"""Processing of the inputs of a shard in workers; outcomes are written to a local file, in order."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from reelmill.contract.errors import EarlyAbort, OutOfMemory, TransientError
from reelmill.contract.log import event
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.forgotten import is_forgotten
from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill.contract.records.segment import Pass
from reelmill.contract.task import RUN_PID_ENV
from reelmill.contract.text.quantities import count_of
from reelmill_stages.host.cgroup import cpus, memory
from reelmill_stages.media.gpu import gpus
from reelmill_stages.records import heartbeat
from reelmill_stages.records.crash_suspects import SuspectNotes, may_have_more_memory
from reelmill_stages.records.pins import read_pins
from reelmill_stages.records.row_files import RowFile
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.runtime.inputs import ShardInput, groups, shard_inputs
from reelmill_stages.runtime.shards.assembly import Assembly, remove_scratch
from reelmill_stages.runtime.shards.checkpoint import Checkpoint
from reelmill_stages.runtime.shards.outcomes import SettledInput, SettledInputFiles
from reelmill_stages.runtime.shards.progress import Progress
from reelmill_stages.runtime.shards.row_pool import RowPool
from reelmill_stages.runtime.shards.run_usage import RunUsage
from reelmill_stages.runtime.shards.shard_commit import ShardRows
from reelmill_stages.runtime.shards.ticker import Ticker
from reelmill_stages.runtime.workers.group_retry import InputOutcome
from reelmill_stages.runtime.workers.messages import InputResult, WorkerConfig
from reelmill_stages.runtime.workers.pool import Pool
from reelmill_stages.runtime.workers.pool_size import fewer, pool_size
from reelmill_stages.runtime.workers.supervisor import SupervisorConfig
from reelmill_stages.stage import Stage

log = logging.getLogger(__name__)

_FAILURES_LOGGED = 200
_WINDOW = 64
"""Maximum number of groups per worker that are being processed or wait to be consumed in order."""
_PAYLOAD_WINDOW = 8
"""The same, for stages that keep payload on disk."""
_COSTLY = {
    ItemReason.CRASH,
    ItemReason.DECODE_TIMEOUT,
    ItemReason.OUT_OF_MEMORY,
    ItemReason.TOO_MANY_FILES,
    ItemReason.TOO_MANY_THREADS,
}
_MEMORY_SHARE = 0.93
"""Fraction of the pod's memory for the workers, so that a worker is killed before the kernel kills the pod."""


class Processing:
    """Processes the inputs of one shard. `frozen` outcomes, if any, are binding; `earlier` ones are reused.

    With `rows`, the rows of the shard's commit are written at the same time.
    """

    def __init__(
        self,
        context: StepContext,
        opened: Pass,
        shard: int,
        stage: Stage,
        progress: Progress,
        *,
        frozen: SettledInputFiles | None,
        earlier: SettledInputFiles,
        flight: SuspectNotes,
        usage: RunUsage,
        rows: ShardRows | None = None,
    ) -> None:
        self._context = context
        self._opened = opened
        self._shard = shard
        self._stage = stage
        self._progress = progress
        self._frozen = frozen
        self._earlier = earlier
        self._flight = flight
        self._usage = usage
        self._rows = rows
        self._out_of_memory = 0
        """Number of inputs that need more memory than this pod has, but not more than a later one may have."""
        here = bool(context.env.get(RUN_PID_ENV))
        self._may_have_more = not here and may_have_more_memory(memory(), context.task.limits.memory_max)
        self.fewer_workers = False
        """Whether fewer workers were started or kept than there are CPUs, to save memory."""
        self._consumed = 0
        self._fresh = 0
        self._same_failures = ("", 0)
        self._logged = 0
        self._item_keys: set[bytes] = set()
        self._rows_ahead: dict[int, SettledInput] = {}
        """Rows of inputs that are finished ahead of their turn, by position."""

    def run(self, folder: Path, assembly: Assembly | None) -> RowFile:
        """Process all inputs; returns the file of their outcomes, one row for each input, in order.

        Raises Interrupted if the process was asked to stop, EarlyAbort if the first items all fail in one class,
        TransientError if a frozen outcome cannot be reproduced, and the errors of `Pool.results`.
        """
        context, task = self._context, self._context.task
        paths = context.data_set(task.stage.name, task.stage.key).paths(self._opened.segment)
        outcomes = RowFile(folder / "outcomes.jsonl")
        checkpoint = Checkpoint(context.store, paths, self._shard, context.run, folder, task.limits.checkpoint_seconds)
        runner = heartbeat.runner(task, context.env)
        ticker = Ticker(lambda: heartbeat.beat(context.store, paths, runner), heartbeat.BEAT_SECONDS)
        inputs = shard_inputs(context.store, self._opened, self._shard, context.scratch, upstreams=task.stage.upstreams)

        def settle(outcome: InputOutcome) -> None:
            if outcome.result.reason == ItemReason.OUT_OF_MEMORY and self._may_have_more:
                self._out_of_memory += 1  # no outcome yet
                return
            self._progress.count(outcome.result.outcome)
            settled = self._rows_ahead[outcome.given.position] = self._settled(outcome)
            if self._stage.reads_media:  # without media, deciding again is as fast as reading outcomes back
                checkpoint.append(settled.line)

        def tick() -> None:
            self._progress.tick()
            checkpoint.tick()
            ticker.tick()
            self._usage.tick()

        pool: Pool | RowPool
        if self._stage.reads_media:
            config = self._supervision(folder)
            pool = Pool(
                config,
                ([one] for one in inputs) if self._stage.alone else groups(inputs),
                window=config.workers * (_PAYLOAD_WINDOW if self._stage.spans else _WINDOW),
                known=self._known,
                settle=settle,
                tick=tick,
                stop=context.stop,
                flight=self._flight,
            )
        else:
            pool = RowPool(self._stage, inputs, known=self._known, settle=settle, tick=tick, stop=context.stop)
        self._usage.watch(pool)
        try:
            results = self._record_outcomes(pool.results(), outcomes)
            if assembly:
                assembly.run(results)
            else:
                for outcome in results:
                    if outcome.given is outcome.slot.group[-1]:
                        remove_scratch(outcome.slot)
        except EarlyAbort:
            pool.close()
            checkpoint.forget()
            raise
        finally:
            pool.close()
            self.fewer_workers = self.fewer_workers or pool.fewer_workers
            self._usage.unwatch()
            checkpoint.write()
            checkpoint.close()
            outcomes.close()
        return outcomes

    def _known(self, given: ShardInput) -> tuple[InputResult, float] | None:
        """The result of an input that need not be processed, or None.

        A stage with `assemble` needs the payload of done inputs, so these are processed again. Inputs that failed in an
        earlier run are tried again, except after crashes, timeouts and a lack of memory, files or threads.
        """
        if is_forgotten(given.input.item):
            self._progress.count(Outcome.FILTERED)
            return InputResult(Outcome.FILTERED, ItemReason.FORGOTTEN), 0.0
        if self._frozen is None and self._flight.is_fatal(given.key):
            message = "the pod crashed twice while only this item was being processed"
            self._progress.count(Outcome.FAILED)
            return InputResult(Outcome.FAILED, ItemReason.CRASH, message), 0.0
        settled = (self._earlier if self._frozen is None else self._frozen).get(given.key, given.ordinal)
        if settled is None or (settled.is_done and self._stage.spans):
            return None
        if self._frozen is None and settled.ledger.outcome == Outcome.FAILED and settled.ledger.reason not in _COSTLY:
            return None
        self._progress.count(settled.ledger.outcome)
        row = settled.ledger
        result = InputResult(
            row.outcome, row.reason, row.message, settled.items, settled.counters, signature=settled.signature
        )
        return result, row.seconds

    def _record_outcomes(self, results: Iterator[InputOutcome], outcomes: RowFile) -> Iterator[InputOutcome]:
        """Write results to the file and pass them on."""
        for outcome in results:
            settled = self._rows_ahead.pop(outcome.given.position, None) or self._settled(outcome)
            if not self._is_unique(settled):
                message = "another input of this shard has an item with the same key"
                outcome = replace(outcome, result=InputResult(Outcome.FAILED, ItemReason.DUPLICATE_KEY, message))
                settled = self._settled(outcome)
            if self._frozen is not None:
                settled = self._as_frozen(settled)
            outcomes.append_line(settled.line)
            if self._rows:
                self._rows.add(outcome.given, settled)
            self._consumed += 1
            self._log_outcome(settled.ledger, fresh=outcome.fresh)
            yield outcome
        if self._out_of_memory:
            raise OutOfMemory(
                f"more memory than this pod has is needed by {count_of(self._out_of_memory, 'item')}",
                where=f"{self._opened.stage}, shard {self._shard}",
                hint="the next attempt has more, up to resources.memoryMax",
            )
        if self._consumed < self._opened.shards[self._shard].count:
            self._context.check_stop()
            raise TransientError("not all inputs of the shard were processed", where=str(self._shard))

    def _as_frozen(self, settled: SettledInput) -> SettledInput:
        law = self._frozen.get(*settled.input) if self._frozen else None
        if law is None or law.is_done != settled.is_done:
            raise TransientError(
                f"another run of this shard recorded {settled.key!r} as {law.ledger.outcome if law else 'nothing'}, "
                f"but here it is {settled.ledger.outcome}: {settled.ledger.reason} {settled.ledger.message}",
                hint="the shard is retried, unless the other run commits it",
            )
        return law

    def _settled(self, reported: InputOutcome) -> SettledInput:
        item, result = reported.given.input.item, reported.result
        row = LedgerRow(
            key=item.key,
            ordinal=item.ordinal,
            outcome=result.outcome,
            reason=str(result.reason),
            message=result.message,
            seconds=reported.seconds,
            attempt=reported.given.tried + self._context.task.attempt,
        )
        return SettledInput(row, tuple(result.items), result.counters, result.signature)

    def _is_unique(self, settled: SettledInput) -> bool:
        """Whether no item has the same key as an item of another input of the shard."""
        keys = [hashlib.blake2b(item.key.encode(), digest_size=12).digest() for item in settled.items]
        if len(set(keys)) < len(keys) or not self._item_keys.isdisjoint(keys):
            return False
        self._item_keys.update(keys)
        return True

    def _log_outcome(self, row: LedgerRow, *, fresh: bool) -> None:
        """Log failures, and raise EarlyAbort if the first items all fail in one class."""
        if row.outcome == Outcome.FAILED and self._logged < _FAILURES_LOGGED:
            self._logged += 1
            event(log, "item failed", level=logging.WARNING, item=row.key, reason=row.reason, why=row.message)
        reason, count = self._same_failures
        alike = row.outcome == Outcome.FAILED and count == self._fresh and reason in ("", row.reason)
        self._fresh += fresh
        if alike and fresh and self._frozen is None:
            self._same_failures = (row.reason, count + 1)
            if 0 < self._context.task.limits.early_abort <= count + 1:
                raise EarlyAbort(
                    f"the first {count + 1} items all failed with {row.reason!r}: {row.message}",
                    where=f"{self._opened.stage}, shard {self._shard}",
                    hint="fix the cause, then run again; the outcomes of this run are discarded",
                )

    def _supervision(self, folder: Path) -> SupervisorConfig:
        task = self._context.task
        allowed = memory()
        wanted = pool_size(task.limits, cpus(), gpus())
        workers = wanted if allowed is None else fewer(wanted, self._flight.lost)
        if workers < wanted:
            self.fewer_workers = True
            event(
                log,
                "an earlier run was killed: fewer workers share the memory",
                level=logging.WARNING,
                shard=self._shard,
                workers=workers,
                instead_of=wanted,
            )
        worker = WorkerConfig(
            store=task.store,
            sources=task.sources,
            stage=task.stage,
            segment=self._opened.segment,
            run=self._context.run,
            pins=read_pins(
                self._context.store, self._context.data_set(task.stage.name, task.stage.key).names, self._stage.block
            ),
            folder=folder,
            index=0,
            level=logging.getLevelName(log.getEffectiveLevel()),
        )
        together = None if allowed is None else int(allowed * _MEMORY_SHARE)
        return SupervisorConfig(worker, workers, task.limits.item_timeout, folder, together)
