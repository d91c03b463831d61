"""Handling of finished Jobs of steps: the next step of the pass, its end, another attempt, or a stall."""

from reelmill.contract.conditions import ConditionReason
from reelmill.contract.errors import ExitCode
from reelmill.contract.status import PassStatus
from reelmill.contract.task import CommitReport, OpenReport, Step
from reelmill.plan import transitions
from reelmill.plan.draft import SHARED_LOOKS, PlanDraft
from reelmill.plan.jobs.observed_jobs import Observed
from reelmill.plan.jobs.placement import merged, more_memory
from reelmill.plan.passes.next_passes import record_next_passes
from reelmill.plan.passes.retry import Attempt, NextAttempt, after_control_step, after_shards
from reelmill.plan.passes.steps import enter, reopen, uncommitted_shards, work_of
from reelmill.plan.snapshot import moment

_PHASES = {
    Step.OPEN: "opening the pass",
    Step.SHARDS: "processing its items",
    Step.COMMIT: "closing the pass",
}


def opened(draft: PlanDraft, name: str, job: Observed) -> None:
    """Handle the end of an open step, or of a whole pass that turned out to be too large for one pod."""
    report = job.read(OpenReport) if job.succeeded else None
    if report is None:
        _control_failed(draft, name, job)
        return
    if report.closed:
        _request_survey(draft, name)
        return
    stage = draft.stages[name]
    if report.foreign:
        look_at = draft.later(SHARED_LOOKS.delay(stage.shared + 1))
        draft.put(transitions.pass_left_to_another(stage, report.segment, look_at))
        return
    uncommitted = uncommitted_shards(job, name, report.shards)
    work = work_of(draft, name).replace(
        segment=report.segment, shards=report.shards, items=report.in_, done=report.shards - len(uncommitted)
    )
    if work.kind == "retry" and report.kind == "cover":
        work = _without_retry(draft, name, work)
    draft.put(transitions.pass_opened(draft.stages[name], work))
    if not uncommitted:
        enter(draft, name, work, "commit", after=job.name)
    elif report.small and job.step is Step.OPEN and work.attempt == 0 and not stage.tries:
        enter(draft, name, work, "shards")
    else:
        enter(draft, name, work.replace(attempt=max(work.attempt, 1), failed=""), "shards", after=job.name)


def _without_retry(draft: PlanDraft, name: str, work: PassStatus) -> PassStatus:
    """Handle a pass that covers new input because another step opened it first; the requested retry follows it."""
    if work.asked:
        draft.put(transitions.retry_kept_for_later(draft.stages[name], work.classes))
    return work.replace(kind="adopted", asked=False, classes=[])


def handle_end_of_shards(draft: PlanDraft, name: str, job: Observed) -> None:
    """Handle the end of a shards Job, or of a whole pass that failed while processing items and continues in steps."""
    if job.succeeded and job.read(CommitReport):
        committed(draft, name, job)
        return
    work = work_of(draft, name)
    whole = job.step is Step.WHOLE
    uncommitted = list(range(work.shards)) if whole else uncommitted_shards(job, name, work.shards)
    work = work.replace(done=work.shards - len(uncommitted))
    code = ExitCode.OK if job.succeeded else job.exit
    failures = draft.definition.graph.stages[name].failures
    attempt = Attempt(
        number=work.attempt, uncommitted=len(uncommitted), done=work.done, succeeded=job.succeeded, exit=code
    )
    if job.failure and job.failure.error == ConditionReason.OUT_OF_MEMORY:
        place = merged(draft.definition.spec.defaults, draft.definition.graph.stages[name])
        work = work.replace(memory=more_memory(place, work.memory, last=work.attempt + 1 >= failures.attempts))
    match after_shards(attempt, failures):
        case NextAttempt.COMMIT:
            enter(draft, name, work.replace(failed=""), "commit", after=job.name)
        case NextAttempt.ATTEMPT if whole:
            enter(draft, name, work.replace(attempt=work.attempt + 1), "open")
        case NextAttempt.ATTEMPT:
            if code is ExitCode.EARLY_ABORT:
                draft.put(transitions.early_abort_disabled(draft.stages[name]))
            enter(draft, name, work.replace(attempt=work.attempt + 1), "shards", after=job.name)
        case NextAttempt.GIVE_UP:
            enter(draft, name, work.replace(close_lost=True), "commit", after=job.name)
        case NextAttempt.SURVEY:
            _handle_stale_plan(draft, name, job)
        case _:
            _stall_stage(draft, name, job)


def committed(draft: PlanDraft, name: str, job: Observed) -> None:
    """Handle the end of a commit step or of a whole pass."""
    report = job.read(CommitReport) if job.succeeded else None
    if report is None:
        _control_failed(draft, name, job)
        return
    stage, work = draft.stages[name], work_of(draft, name)
    if work.kind == "view":
        draft.put(transitions.views_presented(stage, work, report))
        return
    seconds = seconds_since(draft, work.started_at)
    draft.put(transitions.segment_committed(stage, work, report, seconds=seconds))
    record_next_passes(draft, job.name, report.next)


def ended_whole(draft: PlanDraft, name: str, job: Observed) -> None:
    """Handle the end of a whole pass's Job, with the report of a commit or open step, or a failure of one step."""
    if job.succeeded:
        (opened if job.read(OpenReport) else committed)(draft, name, job)
        return
    step = job.failure.step if job.failure else Step.SHARDS
    (_control_failed if step in (Step.OPEN, Step.COMMIT) else handle_end_of_shards)(draft, name, job)


def _control_failed(draft: PlanDraft, name: str, job: Observed) -> None:
    """Handle an open or commit step that failed or ended without a report."""
    tries = draft.put(transitions.step_failed(draft.stages[name])).tries
    code = ExitCode.BUG if job.succeeded else job.exit
    match after_control_step(code, tries, draft.definition.graph.stages[name].failures.attempts):
        case NextAttempt.STALL:
            _stall_stage(draft, name, job)
        case NextAttempt.SURVEY:
            _request_survey(draft, name)
        case _ if job.succeeded:
            _request_survey(draft, name)
        case _:
            reopen(draft, name)


def _handle_stale_plan(draft: PlanDraft, name: str, job: Observed) -> None:
    tries = draft.put(transitions.step_failed(draft.stages[name])).tries
    if tries >= draft.definition.graph.stages[name].failures.attempts:
        _stall_stage(draft, name, job)
    else:
        _request_survey(draft, name)


def _stall_stage(draft: PlanDraft, name: str, job: Observed) -> None:
    failure = job.failure
    if failure:
        phase = _PHASES.get(failure.step, "") if job.step is Step.WHOLE else ""
        message = f"{phase}: {failure.message}" if phase else failure.message
        stall = draft.stalled(failure.error, message, failure.hint, int(job.exit))
    else:
        what = "ended without a report" if job.succeeded else job.message or "failed"
        what += f"; last log lines: {job.last_words}" if job.last_words else ""
        stall = draft.stalled(
            ConditionReason.STEP_FAILED, f"the {job.step.value} step {job.name}: {what}", "", int(job.exit)
        )
    draft.put(transitions.stalled(draft.stages[name], stall))


def _request_survey(draft: PlanDraft, name: str) -> None:
    """Request a survey because the state of the store is unknown."""
    draft.put(transitions.invalidated(draft.stages[name]))
    draft.want_survey(listing=False)


def seconds_since(draft: PlanDraft, text: str) -> float:
    """Seconds from a time stamp to now, at least 1."""
    began = moment(text)
    return max((draft.now - began).total_seconds(), 1.0) if began else 1.0
