"""A pass that is closed in the pod that committed its last shard, by the same records as by a commit step of its own.

The commits of shards say which pod that is: whoever finds all of them goes on. Two pods may do so at once, as two
commit steps may. Nothing of this is needed: what goes wrong is left to the pass's own commit step, which reports it.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from reelmill.contract.log import event
from reelmill.contract.records.segment import Pass, Segment
from reelmill.contract.task import CommitReport, Step
from reelmill_stages import registry
from reelmill_stages.records.record_files import load
from reelmill_stages.runtime.commit.step import commit
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.runtime.open.step import committed_shards

log = logging.getLogger(__name__)


def closed_by_last_shard(context: StepContext, enter: Callable[[Step], None]) -> CommitReport | None:
    """Close the pass whose shard this process has committed; None: other shards, or a commit step, will do it.

    `enter` is called when the process enters the commit step.
    """
    task = context.task
    closing = replace(context, task=task.replace(step=Step.COMMIT))
    try:
        context.check_stop()
        if not _may_close(closing):
            return None
        enter(Step.COMMIT)
        return commit(closing)
    except Exception as error:
        why = str(error)
        event(log, "the commit step will close the pass", level=logging.WARNING, stage=task.stage.name, why=why)
        return None


def _may_close(context: StepContext) -> bool:
    """Whether all shards are committed, of a stage that needs no more than their commits to close the pass."""
    stage = context.task.stage
    if registry.stage_class(stage.type, stage.params).decides:
        return False
    paths = context.data_set(stage.name, stage.key).paths(context.task.segment)
    if load(context.store, paths.segment_json, Segment):
        return True
    opened = load(context.store, paths.pass_json, Pass)
    return opened is not None and len(committed_shards(context, paths)) == len(opened.shards)
