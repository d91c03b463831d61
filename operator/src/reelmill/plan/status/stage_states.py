"""State and message of each stage, for users."""

from reelmill.contract.status import StageState, StageStatus
from reelmill.contract.task_parts.tolerance import tolerance_message
from reelmill.plan import transitions
from reelmill.plan.draft import PlanDraft
from reelmill.plan.passes.coverage import at_rest, closed_gates, completed, gate_closed, uncovered

_STEPS: dict[str, StageState] = {"open": "opening", "shards": "running", "commit": "committing"}


def with_states(draft: PlanDraft) -> None:
    """Set `state` and `message` of every stage, after all decisions."""
    done = completed(draft)
    for name, stage in draft.stages.items():
        state, message = _state(draft, stage, complete=name in done)
        draft.put(transitions.described(stage, state, message))


def _state(draft: PlanDraft, stage: StageStatus, *, complete: bool) -> tuple[StageState, str]:
    if stage.stall:
        return "stalled", f"{stage.stall.message}; {stage.stall.hint}" if stage.stall.hint else stage.stall.message
    if stage.pass_:
        waiting = draft.snapshot.waiting.get(stage.pass_.job, "")
        if stage.pass_.step == "shards" and not stage.pass_.active:
            return "queued", waiting
        return _STEPS[stage.pass_.step], waiting
    if stage.found and stage.shared:
        return "shared", "another pipeline is working on its open pass"
    if gates := closed_gates(draft, stage.name):
        return "waiting", f"over tolerance: {', '.join(gates)}"
    if not at_rest(stage) or uncovered(draft, stage.name):
        return "waiting", ""
    if gate_closed(draft, stage.name):
        tolerate = draft.definition.graph.stages[stage.name].failures.tolerate
        return "done", tolerance_message(tolerate, stage.totals)
    if not complete:
        return "waiting", ""
    return ("done" if stage.worked or not stage.segments else "cached"), ""
