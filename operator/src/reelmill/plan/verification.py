"""The periodic verification of `spec.verify`: a Job that runs while no stage has work to do.

When work arrives or the pipeline is suspended, its Job is deleted. Its pods save their progress in the store, so the
next Job of the same verification continues.
"""

from reelmill.contract.backoff import Backoff
from reelmill.contract.spec.field_types import seconds
from reelmill.contract.spec.pipeline import Verify
from reelmill.contract.status import cut
from reelmill.contract.task_parts.verification import VERIFICATION_TEXT, Verification, VerifyReport
from reelmill.plan.draft import HARVEST_SECONDS, PlanDraft
from reelmill.plan.jobs.build import verification_job
from reelmill.plan.jobs.observed_jobs import Observed
from reelmill.plan.jobs.tasks import verification_task
from reelmill.plan.passes.coverage import has_no_work
from reelmill.plan.snapshot import stamp

RETRIES = Backoff(first=60.0, most=3600.0)
"""Delays after a failed Job."""
LEAST_SECONDS = 60.0
"""Minimum interval in seconds."""


def advance_verification(draft: PlanDraft) -> None:
    """Handle the state of the verification's Job, or start it when it is due and the pipeline is at rest."""
    verify = draft.definition.spec.verify
    if verify is None:
        draft.verification = None
        return
    state = draft.verification or Verification(due_at=draft.later(_interval(verify)))
    if state.job:
        state = _state_of_job(draft, verify, state)
    if not state.job and _may_start(draft, verify, state):
        state = state.replace(began_at=state.began_at or stamp(draft.now), run=draft.next_run())
        state = state.replace(job=_create(draft, verify, state))
    draft.verification = state


def _state_of_job(draft: PlanDraft, verify: Verify, state: Verification) -> Verification:
    job = draft.jobs.get(state.job)
    if job is None:
        if state.seen or not _may_run(draft):
            return _without_job(state)
        _create(draft, verify, state)
        return state
    state = state.replace(seen=True)
    if job.live:
        current = job.key10 == draft.definition.keys.definition[:10] and not job.deleting
        return state if current and _may_run(draft) else _without_job(state)
    if job.report is None:
        draft.wake(HARVEST_SECONDS)
        return state
    report = job.read(VerifyReport) if job.succeeded else None
    return _failed_state(draft, state, job) if report is None else _ended_state(draft, verify, report)


def _may_run(draft: PlanDraft) -> bool:
    return not draft.suspended and draft.stall is None and has_no_work(draft)


def _may_start(draft: PlanDraft, verify: Verify, state: Verification) -> bool:
    if not state.began_at and draft.wake_at(state.due_at, _interval(verify)):
        return False
    return _may_run(draft) and not draft.wake_at(state.again_at, RETRIES.most)


def _create(draft: PlanDraft, verify: Verify, state: Verification) -> str:
    """Create the Job; returns its name."""
    task = verification_task(draft.definition, verify, run=state.run, began=state.began_at)
    job = verification_job(draft.definition, draft.snapshot.settings, task)
    draft.create(job)
    name: str = job["metadata"]["name"]
    return name


def _without_job(state: Verification) -> Verification:
    """The state of an interrupted verification, which continues with another Job."""
    return state.replace(job="", seen=False)


def _ended_state(draft: PlanDraft, verify: Verify, report: VerifyReport) -> Verification:
    return Verification(
        due_at=draft.later(_interval(verify)),
        ended_at=stamp(draft.now),
        objects=report.objects,
        damaged=report.damaged,
        names=cut(", ".join(report.names), VERIFICATION_TEXT),
    )


def _failed_state(draft: PlanDraft, state: Verification, job: Observed) -> Verification:
    failure, tries = job.failure, state.tries + 1
    if failure:
        why = f"{failure.message}; {failure.hint}" if failure.hint else failure.message
    else:
        why = job.message or f"{job.name} ended without a report"
        why += f"; last log lines: {job.last_words}" if job.last_words else ""
    return _without_job(state).replace(
        tries=tries, again_at=draft.later(RETRIES.delay(tries)), problem=cut(why, VERIFICATION_TEXT)
    )


def _interval(verify: Verify) -> float:
    return max(seconds(verify.interval), LEAST_SECONDS)
