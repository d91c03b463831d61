"""Coverage: when a stage is idle and an upstream has segments that it has not covered, it covers all of them.

With `waves`, a stage that reads a source takes its segments in several passes, so that later stages start while earlier
ones are running. A stage that reads other stages always takes everything that is available.
"""

from reelmill.contract.status import SourceStatus, StageStatus
from reelmill.contract.task_parts.next_pass import last_to_cover
from reelmill.contract.task_parts.tolerance import over_tolerance
from reelmill.plan.draft import PlanDraft


def segments(draft: PlanDraft, upstream: str) -> int:
    """The last segment of a source or stage, counted from 1; 0 if there is none."""
    return draft.sources[upstream].segments if upstream in draft.sources else draft.stages[upstream].segments


def uncovered(draft: PlanDraft, stage: str) -> bool:
    """Whether an upstream has segments that the stage has not covered."""
    coverage = draft.stages[stage].coverage
    return any(segments(draft, name) > coverage.get(name, 0) for name in draft.definition.graph.upstreams[stage])


def to_cover(draft: PlanDraft, stage: str) -> dict[str, int]:
    """Upstream name -> the last segment that a pass started now covers."""
    return {name: _last_segment_to_cover(draft, stage, name) for name in draft.definition.graph.upstreams[stage]}


def _last_segment_to_cover(draft: PlanDraft, stage: str, upstream: str) -> int:
    last_segment = segments(draft, upstream)
    covered = draft.stages[stage].coverage.get(upstream, 0)
    waves = draft.definition.spec.waves if upstream in draft.sources else 1
    return last_to_cover(last_segment, covered, waves)


def closed_gates(draft: PlanDraft, stage: str) -> list[str]:
    """Upstream stages with more failed items than their tolerance."""
    return [
        name for name in draft.definition.graph.upstreams[stage] if name in draft.stages and gate_closed(draft, name)
    ]


def gate_closed(draft: PlanDraft, stage: str) -> bool:
    """Whether a stage has more failed items than its tolerance."""
    tolerate = draft.definition.graph.stages[stage].failures.tolerate
    return over_tolerance(tolerate, draft.stages[stage].totals)


def has_only_failed_rows(source: SourceStatus) -> bool:
    """Whether the source is surveyed, and every row of it failed."""
    return source.surveyed and source.failed > 0 and source.items == 0


def at_rest(stage: StageStatus) -> bool:
    """Whether the stage is surveyed and idle, without a pending request."""
    return (
        stage.surveyed
        and stage.pass_ is None
        and stage.stall is None
        and not stage.found
        and stage.retry is None
        and not stage.abandon
    )


def has_no_work(draft: PlanDraft) -> bool:
    """Whether no stage has work, and no survey is running except a routine one."""
    if draft.surveying and not draft.survey.routine:
        return False
    return all(stage.surveyed and not stage.pass_ and not stage.found for stage in draft.stages.values())


def completed(draft: PlanDraft) -> set[str]:
    """Sources and stages that are complete: idle, with all inputs processed, and with complete upstreams."""
    found: set[str] = set()
    asked = draft.surveying and not draft.survey.routine
    if asked or draft.stall or draft.survey.listed != draft.definition.keys.definition:
        return found
    found.update(name for name, source in draft.sources.items() if source.surveyed and not has_only_failed_rows(source))
    for name, upstreams in draft.definition.graph.upstreams.items():
        if (
            found.issuperset(upstreams)
            and at_rest(draft.stages[name])
            and not uncovered(draft, name)
            and not gate_closed(draft, name)
        ):
            found.add(name)
    return found
