"""Closing of shards that were not committed in any attempt, so that the pass ends with an outcome for every input.

Known results of such a shard are kept: frozen outcomes, and checkpoints of stages without `assemble`. All other inputs
become `failed(shard_lost)`, and can be retried.
"""

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

from reelmill.contract.errors import NotFound
from reelmill.contract.log import event
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill.contract.records.segment import Pass, ShardCommit
from reelmill_stages import registry
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.runtime.inputs import ShardInput, shard_inputs
from reelmill_stages.runtime.shards.checkpoint import read_checkpoints
from reelmill_stages.runtime.shards.outcomes import SettledInput, SettledInputFiles
from reelmill_stages.runtime.shards.shard_commit import ShardRows
from reelmill_stages.store.damage import address

log = logging.getLogger(__name__)


def give_up(context: StepContext, opened: Pass, shard: int) -> ShardCommit:
    """Write the rows of an uncommitted shard, and return a commit that is used in the segment only."""
    task = context.task
    paths = context.data_set(task.stage.name, task.stage.key).paths(opened.segment)
    folder = Path(tempfile.mkdtemp(prefix="lost-", dir=context.scratch))
    event(log, "shard closed as lost", level=logging.WARNING, stage=opened.stage, segment=opened.segment, shard=shard)
    rows = ShardRows(folder)
    for given, settled in _inputs_with_outcomes(
        context, opened, shard, _recorded_outcomes(context, opened, shard, folder)
    ):
        rows.add(given, settled)
    return rows.commit(context.store, paths, shard, len(opened.shards), context.run)


def _recorded_outcomes(context: StepContext, opened: Pass, shard: int, folder: Path) -> SettledInputFiles:
    task = context.task
    if registry.stage_class(task.stage.type, task.stage.params).spans:
        return SettledInputFiles()
    paths = context.data_set(task.stage.name, task.stage.key).paths(opened.segment)
    try:
        frozen = folder / "frozen.jsonl"
        frozen.write_bytes(context.store.read(paths.outcomes(shard)))
    except NotFound:
        return read_checkpoints(context.store, paths, shard, folder)
    known = SettledInputFiles()
    known.add(frozen, address(context.store, paths.outcomes(shard)))
    return known


def _inputs_with_outcomes(
    context: StepContext, opened: Pass, shard: int, known: SettledInputFiles
) -> Iterator[tuple[ShardInput, SettledInput]]:
    task = context.task
    for given in shard_inputs(context.store, opened, shard, context.scratch, upstreams=task.stage.upstreams):
        row = LedgerRow(
            key=given.key,
            ordinal=given.input.item.ordinal,
            outcome=Outcome.FAILED,
            reason=ItemReason.SHARD_LOST,
            message=f"shard {shard} was not committed in any attempt",
            attempt=given.tried + task.attempt,
        )
        yield given, known.get(given.key, given.ordinal) or SettledInput(row)
