"""The passes that a step makes possible: which of them its Job may open or measure, and how it reports them.

The planner checks every offer: a stage that has other work by then ignores it, and finds the open pass in its own open
step.
"""

from collections.abc import Iterable

from reelmill.contract.records.layout import KEY_DIGITS
from reelmill.contract.task_parts.follow_up import FollowUp, NextStage, PassBound
from reelmill.contract.task_parts.next_pass import NextPass
from reelmill.plan import transitions
from reelmill.plan.draft import SHARED_LOOKS, Offer, PlanDraft
from reelmill.plan.jobs.pod import same_surroundings
from reelmill.plan.jobs.tasks import stage_def, workers
from reelmill.plan.passes.retry import automatic_retry_classes, recoverable_classes

MOST = 8
"""Maximum number of stages whose passes a commit step opens, because its pod contains their definitions."""


def after_survey(draft: PlanDraft) -> FollowUp:
    """The follow-up of a survey: every stage that does not wait for anything else."""
    found = [_next_stage(draft, name, "") for name in draft.stages if _has_new_input(draft, name)]
    return FollowUp(bound=_pass_bound(draft), next=tuple(found), waves=draft.definition.spec.waves)


def after_pass(draft: PlanDraft, name: str, *, whole: bool = False, closes: bool = False) -> FollowUp:
    """The follow-up of a step that closes a pass of a stage: the stages that read it."""
    definition = draft.definition
    readers = [other for other, upstreams in definition.graph.upstreams.items() if name in upstreams]
    found = [
        _next_stage(draft, other, name).replace(stage=stage_def(definition, other))
        for other in readers
        if _has_new_input(draft, other)
    ]
    waves = definition.spec.waves
    return FollowUp(whole=whole, closes=closes, bound=_pass_bound(draft), next=tuple(found[:MOST]), waves=waves)


def open_follow_up(draft: PlanDraft) -> FollowUp:
    """The follow-up of an open step, which reports whether one pod can do the rest."""
    return FollowUp(bound=_pass_bound(draft))


def record_next_passes(draft: PlanDraft, job: str, passes: Iterable[NextPass]) -> None:
    """Record the passes that the finished Job `job` opened or measured, for idle stages."""
    for found in passes:
        stage = draft.stages.get(found.stage)
        if stage is None or stage.key[:KEY_DIGITS] != found.key or not stage.surveyed:
            continue
        if stage.pass_ or stage.stall or stage.found or found.segment != stage.segments + 1:
            continue
        if found.foreign:
            look_at = draft.later(SHARED_LOOKS.delay(stage.shared + 1))
            draft.put(transitions.pass_left_to_another(stage, found.segment, look_at))
            continue
        draft.offers[stage.name] = Offer(found, job)
        if found.shards:
            draft.put(transitions.pass_found(stage, found.segment))


def _has_new_input(draft: PlanDraft, name: str) -> bool:
    """Whether the next pass of a stage, once it is idle, covers new input."""
    stage, spec = draft.stages[name], draft.definition.graph.stages[name]
    itself = automatic_retry_classes(spec.failures.retry_items, stage.retries, stage.reasons, stage.totals.failed)
    itself = itself or recoverable_classes(spec.block.budget, stage.reasons, stage.counters)
    return not (stage.stall or stage.abandon or stage.retry is not None or itself)


def _next_stage(draft: PlanDraft, name: str, by: str) -> NextStage:
    """`by` is the stage whose step it follows; empty: the survey."""
    definition, settings = draft.definition, draft.snapshot.settings
    stage, upstreams = definition.graph.stages[name], definition.graph.upstreams[name]
    return NextStage(
        name=name,
        shard_count=0 if stage.shards == "auto" else stage.shards,
        workers=workers(definition, name),
        gates={
            upstream: definition.graph.stages[upstream].failures.tolerate
            for upstream in upstreams
            if upstream in definition.graph.stages
        },
        # With several upstreams, another one may be about to close a segment that the same pass should cover.
        opens=len(upstreams) == 1 and same_surroundings(definition, settings, name, by),
    )


def _pass_bound(draft: PlanDraft) -> PassBound | None:
    return draft.snapshot.settings.bound
