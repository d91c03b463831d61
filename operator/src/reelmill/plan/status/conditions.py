"""The conditions, all written here, by the rules of kstatus, which Flux, Argo CD and `helm --wait` read.

Reconciling: work is under way or to come. Stalled: a person has to do something. Ready and Complete: everything was
listed and covered. Failed: stalled, and nothing is left that could go on. Suspended: paused by the spec.
SharedPass, Drifted: shown once they were ever true.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from reelmill.contract.status import LONG_MESSAGE, Condition, Status, cut
from reelmill.plan.draft import PlanDraft
from reelmill.plan.passes.coverage import completed, gate_closed
from reelmill.plan.passes.tolerance import verdict
from reelmill.plan.snapshot import stamp

Verdict = tuple[bool, str, str]
"""Whether it holds, the reason, the message."""


def conditions(draft: PlanDraft) -> list[Condition]:
    """The conditions of a draft whose decisions are made."""
    done = completed(draft).issuperset((*draft.sources, *draft.stages))
    stalled = _stalled(draft)
    reconciling = _reconciling(draft)
    if done:
        ready = (True, "Complete", "everything was listed and covered")
    elif draft.suspended:
        ready = (False, "Suspended", "spec.suspend is set")
    elif stalled[0]:
        ready = (False, *stalled[1:])
    else:
        ready = (False, "Progressing", reconciling[2])
    failed = (True, *stalled[1:]) if stalled[0] and not reconciling[0] else (False, "NotFailed", "")
    shared = [stage.name for stage in draft.stages.values() if stage.shared]
    drifted = {source.name: source.drifted for source in draft.sources.values() if source.drifted}
    verdicts = {
        "Accepted": (True, "Valid", "the spec was accepted"),
        "Reconciling": reconciling,
        "Stalled": stalled,
        "Ready": ready,
        "Complete": ready if done else (False, ready[1], ready[2]),
        "Failed": failed,
        "Suspended": (draft.suspended, "Suspended" if draft.suspended else "Running", ""),
    }
    optional = {
        "SharedPass": (bool(shared), "OtherPipeline", f"another pipeline works on: {', '.join(shared)}"),
        "Drifted": (bool(drifted), "SourceChanged", _drift(drifted)),
    }
    known = {condition.type for condition in draft.status.conditions}
    verdicts |= {name: verdict for name, verdict in optional.items() if verdict[0] or name in known}
    return written(draft.status, verdicts, draft.snapshot.generation, draft.now)


def refused(status: Status, messages: Sequence[str], generation: int, now: datetime) -> list[Condition]:
    """The conditions of a resource whose spec cannot be accepted."""
    message = "; ".join(messages)
    verdicts = {
        "Accepted": (False, "SpecInvalid", message),
        "Reconciling": (False, "SpecInvalid", ""),
        "Stalled": (True, "SpecInvalid", message),
        "Ready": (False, "SpecInvalid", message),
        "Complete": (False, "SpecInvalid", ""),
        "Failed": (True, "SpecInvalid", message),
        "Suspended": (False, "Running", ""),
    }
    return written(status, verdicts, generation, now)


def written(status: Status, verdicts: dict[str, Verdict], generation: int, now: datetime) -> list[Condition]:
    """Verdicts as conditions; the time changes only when the status does."""
    found = []
    for name, (holds, reason, message) in verdicts.items():
        old = status.condition(name)
        value: Literal["True", "False"] = "True" if holds else "False"
        since = old.last_transition_time if old and old.status == value else stamp(now)
        found.append(
            Condition(
                type=name,
                status=value,
                reason=reason,
                message=cut(message, LONG_MESSAGE),
                last_transition_time=since,
                observed_generation=generation,
            )
        )
    return found


def _stalled(draft: PlanDraft) -> Verdict:
    if draft.stall:
        return True, draft.stall.reason, _with_hint(draft.stall.message, draft.stall.hint)
    for stage in draft.stages.values():
        if stage.stall:
            return True, stage.stall.reason, f"{stage.name}: {_with_hint(stage.stall.message, stage.stall.hint)}"
    for name, stage in draft.stages.items():
        if gate_closed(draft, name):
            tolerate = draft.definition.graph.stages[name].failures.tolerate
            return True, "ToleranceExceeded", f"{name}: {verdict(tolerate, stage.totals)}"
    return False, "Going", ""


def _reconciling(draft: PlanDraft) -> Verdict:
    if draft.suspended:
        return False, "Suspended", ""
    working = [stage for stage in draft.stages.values() if stage.pass_]
    for stage in working:
        job = stage.pass_.job if stage.pass_ else ""
        if words := draft.snapshot.waiting.get(job):
            return True, draft.snapshot.reasons.get(job, "Unschedulable"), f"{stage.name}: {words}"
    if working:
        return True, "Progressing", f"at work: {', '.join(stage.name for stage in working)}"
    if draft.surveying and not draft.survey.routine and not draft.stall:
        if words := draft.snapshot.waiting.get(draft.survey.job):
            return True, draft.snapshot.reasons.get(draft.survey.job, "Unschedulable"), f"survey: {words}"
        return True, "Surveying", "looking at the sources and the store"
    shared = [stage.name for stage in draft.stages.values() if stage.found and not stage.stall]
    if shared and not draft.stall:
        return True, "SharedPass", f"waiting for another pipeline: {', '.join(shared)}"
    return False, "Idle", ""


def _with_hint(message: str, hint: str) -> str:
    return f"{message}; {hint}" if hint else message


def _drift(drifted: dict[str, int]) -> str:
    counts = ", ".join(f"{name}: {count}" for name, count in drifted.items())
    return f"items changed or vanished since they were listed ({counts}); a new epoch takes them up"
