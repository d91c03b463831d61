"""Preparation of the next passes of other stages, once a step has closed what they read.

A small pass is only measured, because one pod will do all of it; a larger one is opened here, as its own open step
would. This is optional: if it fails, the stage's own open step does the work and reports errors.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace

from reelmill.contract.errors import NotFound
from reelmill.contract.log import event
from reelmill.contract.records.layout import KEY_DIGITS
from reelmill.contract.task import StageDef, Step, Task
from reelmill.contract.task_parts.follow_up import FollowUp, NextStage
from reelmill.contract.task_parts.next_pass import NextPass, last_to_cover
from reelmill.contract.task_parts.shard_limits import ShardLimits
from reelmill.contract.task_parts.tolerance import over_tolerance
from reelmill_stages import registry
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.runtime.context import Interrupted, StepContext

log = logging.getLogger(__name__)


def next_passes(context: StepContext, follow_up: FollowUp) -> tuple[NextPass, ...]:
    """The next passes that this step opened or measured for the follow-up's stages. Raises Interrupted."""
    return tuple(_possible_passes(context, follow_up))


def _possible_passes(context: StepContext, follow_up: FollowUp) -> Iterator[NextPass]:
    known = {stage.name: stage for stage in context.task.stages}
    for wanted in follow_up.next:
        stage = wanted.stage or known.get(wanted.name)
        if stage is None:
            continue
        try:
            found = _next_pass(context, stage, wanted, follow_up)
        except Interrupted:
            raise
        except Exception as error:
            event(log, "the open step will open the next pass", level=logging.WARNING, stage=stage.name, why=str(error))
            continue
        if found is not None:
            yield found


def _next_pass(context: StepContext, stage: StageDef, wanted: NextStage, follow_up: FollowUp) -> NextPass | None:
    data = context.data_set(stage.name, stage.key)
    segment = data.last.segment + 1 if data.last else 1
    cover = _segments_to_cover(context, stage, data, wanted, follow_up.waves)
    if not cover or _is_open(context, data, segment):
        return None
    # Imported here because a run that finds nothing new opens no pass.
    from reelmill_stages.runtime.open.fit import pending_size, seems_small
    from reelmill_stages.runtime.open.step import open_pass

    found = NextPass(stage=stage.name, key=stage.key[:KEY_DIGITS], segment=segment)
    size = pending_size(context, stage, data.coverage, cover)
    if seems_small(size, stage, wanted, follow_up.bound):
        return found.replace(in_=size.items, small=True)
    if not wanted.opens or _runs_users_code(stage):
        return None
    context.meter.take()  # usage of other steps is not part of the pass
    report = open_pass(replace(context, task=_open_task(context, stage, segment, cover, wanted)))
    if report.closed:
        return None
    return found.replace(in_=report.in_, shards=report.shards, foreign=report.foreign)


def _runs_users_code(stage: StageDef) -> bool:
    """Whether opening a pass imports user code, which must not run with the credentials of another stage."""
    return bool(registry.own_code(stage.type, stage.params)) or ":" in str(stage.params.get("sampler", ""))


def _segments_to_cover(
    context: StepContext, stage: StageDef, data: DataSet, wanted: NextStage, waves: int
) -> dict[str, int]:
    """Upstream -> last segment to cover; empty if there is nothing to cover, or too much of an upstream failed."""
    cover, fresh = {}, False
    for upstream in stage.upstreams:
        above = context.data_set(upstream.name, upstream.key)
        if upstream.name in wanted.gates and over_tolerance(wanted.gates[upstream.name], above.totals):
            return {}
        there, covered = above.last.segment if above.last else 0, data.coverage.get(upstream.name, 0)
        cover[upstream.name] = last_to_cover(there, covered, 1 if upstream.name in wanted.gates else waves)
        fresh = fresh or there > covered
    return cover if fresh else {}


def _is_open(context: StepContext, data: DataSet, segment: int) -> bool:
    try:
        context.store.stat(data.paths(segment).pass_json)
    except NotFound:
        return False
    return True


def _open_task(context: StepContext, stage: StageDef, segment: int, cover: dict[str, int], wanted: NextStage) -> Task:
    task = context.task
    return Task(
        step=Step.OPEN,
        owner=task.owner,
        run=task.run,
        store=task.store,
        stages=(stage,),
        segment=segment,
        cover=cover,
        shard_count=wanted.shard_count,
        limits=ShardLimits(workers=wanted.workers),
    )
