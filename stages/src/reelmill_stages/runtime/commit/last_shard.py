"""Closing of a pass in the pod that committed its last shard, with the same records as a separate commit step.

The pod that finds commits of all shards closes the pass. Two pods may do so concurrently, as two commit steps may. This
is optional: if it fails, the pass's own commit step does the work and reports errors.
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
    """Close the pass whose shard this process has committed; None if another shard or a commit step has to do it.

    `enter` is called when the process enters the commit step.
    """
    task = context.task
    closing = replace(context, task=task.replace(step=Step.COMMIT))
    try:
        context.check_stop()
        if not _can_close(closing):
            return None
        enter(Step.COMMIT)
        return commit(closing)
    except Exception as error:
        why = str(error)
        event(log, "the commit step will close the pass", level=logging.WARNING, stage=task.stage.name, why=why)
        return None


def _can_close(context: StepContext) -> bool:
    """Whether all shards are committed, and the stage needs only their commits to close the pass."""
    stage = context.task.stage
    if registry.stage_class(stage.type, stage.params).decides:
        return False
    paths = context.data_set(stage.name, stage.key).paths(context.task.segment)
    if load(context.store, paths.segment_json, Segment):
        return True
    opened = load(context.store, paths.pass_json, Pass)
    return opened is not None and len(committed_shards(context, paths)) == len(opened.shards)
