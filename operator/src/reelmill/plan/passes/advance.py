"""Progress of a stage's pass: the next step, depending on how the Job of the current one ended."""

from reelmill.contract.conditions import ConditionReason
from reelmill.contract.errors import ExitCode
from reelmill.contract.ranges import format_ranges
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.status import RANGES, PassStatus, cut
from reelmill.contract.task import CommitReport, OpenReport, Step
from reelmill.plan import transitions
from reelmill.plan.draft import HARVEST_SECONDS, SHARED_LOOKS, PlanDraft
from reelmill.plan.jobs.observed_jobs import Observed
from reelmill.plan.passes.retry import Attempt, NextAttempt, after_control, after_shards
from reelmill.plan.passes.steps import create, enter, reopen, undone_after, work_of
from reelmill.plan.snapshot import moment


def advance_pass(draft: PlanDraft, name: str) -> None:
    """Advance the pass according to the state of the current step's Job."""
    work = work_of(draft, name)
    if draft.stages[name].abandon and not work.abandon:
        _abandon(draft, name)
        return
    job = draft.jobs.get(work.job)
    if job is None and not work.seen:
        create(draft, name)
    elif job is None:
        reopen(draft, name)
    elif job.live or job.report is None:
        _see(draft, name, job)
        if not job.live:
            draft.wake(HARVEST_SECONDS)
    else:
        _see(draft, name, job)
        _DIGEST[job.step](draft, name, job)


def _opened(draft: PlanDraft, name: str, job: Observed) -> None:
    report = job.read(OpenReport) if job.succeeded else None
    if report is None:
        _control_failed(draft, name, job)
        return
    if report.closed:
        _unknown(draft, name)
        return
    if report.foreign:
        stage = draft.stages[name]
        look_at = draft.later(SHARED_LOOKS.delay(stage.shared + 1))
        draft.put(transitions.pass_left_to_another(stage, report.segment, look_at))
        return
    undone = undone_after(job, report.shards)
    work = work_of(draft, name).replace(
        segment=report.segment, shards=report.shards, items=report.in_, done=report.shards - len(undone)
    )
    draft.put(transitions.pass_opened(draft.stages[name], work))
    if undone:
        enter(draft, name, work.replace(attempt=max(work.attempt, 1), failed=""), "shards", after=job.name)
    else:
        enter(draft, name, work, "commit", after=job.name)


def _attempted(draft: PlanDraft, name: str, job: Observed) -> None:
    work = work_of(draft, name)
    undone = undone_after(job, work.shards)
    work = work.replace(done=work.shards - len(undone))
    code = ExitCode.OK if job.succeeded else job.exit
    attempt = Attempt(number=work.attempt, undone=len(undone), done=work.done, succeeded=job.succeeded, exit=code)
    match after_shards(attempt, draft.definition.graph.stages[name].failures):
        case NextAttempt.COMMIT:
            enter(draft, name, work.replace(failed=""), "commit", after=job.name)
        case NextAttempt.ATTEMPT:
            if code is ExitCode.EARLY_ABORT:
                draft.put(transitions.early_abort_disabled(draft.stages[name]))
            enter(draft, name, work.replace(attempt=work.attempt + 1), "shards", after=job.name)
        case NextAttempt.GIVE_UP:
            enter(draft, name, work.replace(close_lost=True), "commit", after=job.name)
        case NextAttempt.SURVEY:
            _stale(draft, name, job)
        case _:
            _stall(draft, name, job)


def _committed(draft: PlanDraft, name: str, job: Observed) -> None:
    report = job.read(CommitReport) if job.succeeded else None
    if report is None:
        _control_failed(draft, name, job)
        return
    stage, work = draft.stages[name], work_of(draft, name)
    if work.kind == "view":
        draft.put(transitions.views_presented(stage, work, report))
    else:
        seconds = _seconds_since(draft, work.started_at)
        draft.put(transitions.segment_committed(stage, work, report, seconds=seconds))


_DIGEST = {Step.OPEN: _opened, Step.SHARDS: _attempted, Step.COMMIT: _committed}


def _control_failed(draft: PlanDraft, name: str, job: Observed) -> None:
    """An open or commit step failed, or ended without a report."""
    tries = draft.put(transitions.step_failed(draft.stages[name])).tries
    code = ExitCode.BUG if job.succeeded else job.exit
    match after_control(code, tries, draft.definition.graph.stages[name].failures.attempts):
        case NextAttempt.STALL:
            _stall(draft, name, job)
        case NextAttempt.SURVEY:
            _unknown(draft, name)
        case _ if job.succeeded:
            _unknown(draft, name)
        case _:
            reopen(draft, name)


def _stale(draft: PlanDraft, name: str, job: Observed) -> None:
    tries = draft.put(transitions.step_failed(draft.stages[name])).tries
    if tries >= draft.definition.graph.stages[name].failures.attempts:
        _stall(draft, name, job)
    else:
        _unknown(draft, name)


def _stall(draft: PlanDraft, name: str, job: Observed) -> None:
    failure = job.failure
    if failure:
        stall = draft.stalled(failure.error, failure.message, failure.hint, int(job.exit))
    else:
        what = "ended without a report" if job.succeeded else job.message or "failed"
        what += f"; last log lines: {job.last_words}" if job.last_words else ""
        stall = draft.stalled(
            ConditionReason.STEP_FAILED, f"the {job.step.value} step {job.name}: {what}", "", int(job.exit)
        )
    draft.put(transitions.stalled(draft.stages[name], stall))


def _unknown(draft: PlanDraft, name: str) -> None:
    """Request a survey because the state of the store is unknown."""
    draft.put(transitions.invalidated(draft.stages[name]))
    draft.want_survey(listing=False)


def _abandon(draft: PlanDraft, name: str) -> None:
    """Close the pass as abandoned. Its Jobs, which the status no longer refers to, are deleted first."""
    work = work_of(draft, name)
    if work.kind == "view":
        draft.put(transitions.abandon_fulfilled(draft.stages[name]))
    else:
        enter(draft, name, work.replace(abandon=True, close_lost=False), "commit")


def _seconds_since(draft: PlanDraft, text: str) -> float:
    began = moment(text)
    return max((draft.now - began).total_seconds(), 1.0) if began else 1.0


def _see(draft: PlanDraft, name: str, job: Observed) -> None:
    """Update the progress from the Job."""
    work = work_of(draft, name)
    if job.step is not Step.SHARDS:
        draft.put(transitions.pass_changed(draft.stages[name], work.replace(seen=True, active=job.active)))
        return
    before = work.shards - len(job.shards)
    done, failed = before + len(job.completed), cut(format_ranges(job.failed), RANGES)
    # Update the estimate only when shards completed, because every difference in the status is a write.
    eta = work.eta if done == work.done else _eta(draft, work, done)
    seen = work.replace(seen=True, active=job.active, done=done, failed=failed, eta=eta)
    stage = draft.put(transitions.pass_changed(draft.stages[name], seen))
    if job.failed:
        draft.put(transitions.shards_failed(stage, _logs(draft, name, work)))


def _eta(draft: PlanDraft, work: PassStatus, done: int) -> str:
    if not done or done >= work.shards:
        return ""
    return draft.later(_seconds_since(draft, work.started_at) * (work.shards - done) / done)


def _logs(draft: PlanDraft, name: str, work: PassStatus) -> str:
    """Folder of the logs of a pass's shards: `<shard>-<run>.jsonl`."""
    return DataSetPaths(name, draft.definition.keys[name]).segment(work.segment).log(0, "").rpartition("/")[0]
