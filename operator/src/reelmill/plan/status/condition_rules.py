"""The conditions of a pipeline, following the rules of kstatus, which Flux, Argo CD and `helm --wait` use.

Reconciling: work is running or due. Stalled: a user has to act. Ready and Complete: all sources are listed and all
inputs processed. Failed: stalled, and no other stage can continue. Suspended: suspended by the spec. SharedPass,
Drifted and OutdatedDefinition are present only after they have been true once, StoreVerified only with `spec.verify`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from reelmill.contract.conditions import ConditionReason, ConditionType
from reelmill.contract.status import LONG_MESSAGE, Condition, Status, cut
from reelmill.contract.task_parts.tolerance import source_message, tolerance_message
from reelmill.contract.task_parts.verification import Verification
from reelmill.contract.text.quantities import amount, count_of
from reelmill.plan.draft import PlanDraft
from reelmill.plan.passes.coverage import completed, gate_closed, has_only_failed_rows
from reelmill.plan.snapshot import stamp

VERIFICATION_TRIES = 3
"""Number of consecutive failed Jobs of a verification after which the condition reports it."""

Verdict = tuple[bool, str, str]
"""(whether the condition is True, reason: a `ConditionReason` or another word, message)."""


def conditions(draft: PlanDraft) -> list[Condition]:
    """The conditions of a draft, after all decisions."""
    done = completed(draft).issuperset((*draft.sources, *draft.stages))
    stalled = _stalled(draft)
    reconciling = _reconciling(draft)
    if done:
        ready: Verdict = (True, ConditionReason.COMPLETE, "all sources are listed and all inputs are processed")
    elif draft.suspended:
        ready = (False, *_suspended(draft)[1:])
    elif stalled[0]:
        ready = (False, *stalled[1:])
    else:
        ready = (False, ConditionReason.PROGRESSING, reconciling[2])
    failed: Verdict = (False, ConditionReason.NOT_FAILED, "")
    if stalled[0] and not reconciling[0]:
        failed = (True, *stalled[1:])
    shared = [stage.name for stage in draft.stages.values() if stage.shared]
    drifted = {source.name: source.drifted for source in draft.sources.values() if source.drifted}
    verdicts: dict[ConditionType, Verdict] = {
        ConditionType.ACCEPTED: (True, ConditionReason.VALID, "the spec was accepted"),
        ConditionType.RECONCILING: reconciling,
        ConditionType.STALLED: stalled,
        ConditionType.READY: ready,
        ConditionType.COMPLETE: ready if done else (False, ready[1], ready[2]),
        ConditionType.FAILED: failed,
        ConditionType.SUSPENDED: _suspended(draft),
        ConditionType.SHARED_PASS: (
            bool(shared),
            ConditionReason.OTHER_PIPELINE,
            f"another pipeline is working on: {', '.join(shared)}",
        ),
        ConditionType.DRIFTED: (bool(drifted), ConditionReason.SOURCE_CHANGED, _drift_message(drifted)),
        ConditionType.OUTDATED_DEFINITION: _outdated(draft.snapshot.dropped),
    }
    if draft.verification:
        verdicts[ConditionType.STORE_VERIFIED] = _verified(draft, draft.verification)
    shown = {type_: each for type_, each in verdicts.items() if _should_show(type_, each, draft.status)}
    return written(draft.status, shown, draft.snapshot.generation, draft.now)


def refused(
    status: Status, reason: ConditionReason, messages: Sequence[str], generation: int, now: datetime
) -> list[Condition]:
    """The conditions of a resource with a spec that is invalid or not allowed."""
    message = "; ".join(messages)
    verdicts: dict[ConditionType, Verdict] = {
        ConditionType.ACCEPTED: (False, reason, message),
        ConditionType.RECONCILING: (False, reason, ""),
        ConditionType.STALLED: (True, reason, message),
        ConditionType.READY: (False, reason, message),
        ConditionType.COMPLETE: (False, reason, ""),
        ConditionType.FAILED: (True, reason, message),
        ConditionType.SUSPENDED: (False, ConditionReason.RUNNING, ""),
    }
    return written(status, verdicts, generation, now)


def removing(status: Status, message: str, generation: int, now: datetime) -> list[Condition]:
    """The conditions of a resource whose data is being removed, in addition to those it had."""
    about = (ConditionType.RECONCILING, ConditionType.READY, ConditionType.COMPLETE)
    verdicts: dict[ConditionType, Verdict] = {
        type_: (type_ is ConditionType.RECONCILING, ConditionReason.REMOVING, message) for type_ in about
    }
    new = {each.type: each for each in status.conditions}
    new |= {each.type: each for each in written(status, verdicts, generation, now)}
    return list(new.values())


def written(status: Status, verdicts: dict[ConditionType, Verdict], generation: int, now: datetime) -> list[Condition]:
    """Verdicts as conditions; the transition time changes only with the status."""
    found = []
    for type_, (holds, reason, message) in verdicts.items():
        old = status.condition(type_)
        value: Literal["True", "False"] = "True" if holds else "False"
        since = old.last_transition_time if old and old.status == value else stamp(now)
        found.append(
            Condition(
                type=type_.value,
                status=value,
                reason=str(reason),
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
    for name, source in draft.sources.items():
        if has_only_failed_rows(source):
            return True, ConditionReason.TOLERANCE_EXCEEDED, f"{name}: {source_message(source.failed)}"
    for name, stage in draft.stages.items():
        if gate_closed(draft, name):
            tolerate = draft.definition.graph.stages[name].failures.tolerate
            return True, ConditionReason.TOLERANCE_EXCEEDED, f"{name}: {tolerance_message(tolerate, stage.totals)}"
    return False, ConditionReason.GOING, ""


def _reconciling(draft: PlanDraft) -> Verdict:
    if draft.suspended:
        return False, _suspended(draft)[1], ""
    working = [stage for stage in draft.stages.values() if stage.pass_]
    for stage in working:
        job = stage.pass_.job if stage.pass_ else ""
        if words := draft.snapshot.waiting.get(job):
            return True, _waiting_reason(draft, job), f"{stage.name}: {words}"
    if working:
        return True, ConditionReason.PROGRESSING, f"running: {', '.join(stage.name for stage in working)}"
    if draft.surveying and not draft.survey.routine and not draft.stall:
        if words := draft.snapshot.waiting.get(draft.survey.job):
            return True, _waiting_reason(draft, draft.survey.job), f"survey: {words}"
        return True, ConditionReason.SURVEYING, "reading the sources and the store"
    shared = [stage.name for stage in draft.stages.values() if stage.found and not stage.stall]
    if shared and not draft.stall:
        return True, ConditionReason.SHARED_PASS, f"waiting for another pipeline: {', '.join(shared)}"
    return False, ConditionReason.IDLE, ""


def _outdated(dropped: Sequence[str]) -> Verdict:
    if not dropped:
        return False, ConditionReason.FIELDS_DROPPED, ""
    lost = f"the CustomResourceDefinition is older than the operator and drops {', '.join(dropped)}"
    return True, ConditionReason.FIELDS_DROPPED, f"{lost}: {ConditionReason.FIELDS_DROPPED.remedy}"


def _waiting_reason(draft: PlanDraft, job: str) -> str:
    """Why a Job's pods do not run."""
    return draft.snapshot.reasons.get(job, ConditionReason.UNSCHEDULABLE)


def damage(verification: Verification) -> str:
    """Describe the damage that the last verification found."""
    damaged, objects = amount(verification.damaged), count_of(verification.objects, "object")
    return f"{damaged} of {objects} are damaged: {verification.names}"


def _verified(draft: PlanDraft, verification: Verification) -> Verdict:
    at = verification.ended_at
    trouble = draft.snapshot.waiting.get(verification.job) or verification.problem
    if verification.tries >= VERIFICATION_TRIES:
        last = f"; the last verification ended at {at}" if at else ""
        return False, ConditionReason.VERIFICATION_FAILED, f"{trouble}{last}"
    if not at:
        return False, ConditionReason.NOT_VERIFIED, trouble or f"the first verification is due at {verification.due_at}"
    if verification.damaged:
        return False, ConditionReason.STORE_DAMAGED, f"at {at}, {damage(verification)}"
    return (
        True,
        ConditionReason.VERIFIED,
        f"at {at}, {count_of(verification.objects, 'object')} matched what was committed",
    )


def _suspended(draft: PlanDraft) -> Verdict:
    if draft.definition.spec.suspend:
        return True, ConditionReason.SUSPENDED, "spec.suspend is true"
    if limit := draft.limit:
        return True, limit.reason, _with_hint(limit.message, limit.reason.remedy)
    return False, ConditionReason.RUNNING, ""


def _should_show(type_: ConditionType, verdict: Verdict, status: Status) -> bool:
    return not type_.optional or verdict[0] or status.condition(type_) is not None


def _with_hint(message: str, hint: str) -> str:
    return f"{message}; {hint}" if hint else message


def _drift_message(drifted: dict[str, int]) -> str:
    counts = ", ".join(f"{name}: {count}" for name, count in drifted.items())
    return f"items changed or disappeared since they were listed ({counts}); set a new epoch to list them again"
