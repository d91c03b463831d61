"""The survey: start it when it is due, and merge its report into the status."""

from datetime import timedelta

from reelmill.contract.backoff import Backoff
from reelmill.contract.compact_report import unpacked
from reelmill.contract.conditions import ConditionReason
from reelmill.contract.errors import ExitCode
from reelmill.contract.spec.field_types import seconds
from reelmill.contract.status import SurveyStatus
from reelmill.contract.task import StageReport, SurveyReport
from reelmill.plan import transitions
from reelmill.plan.draft import HARVEST_SECONDS, PlanDraft
from reelmill.plan.jobs.accounts import restored
from reelmill.plan.jobs.build import control_job, survey_name
from reelmill.plan.jobs.observed_jobs import Observed
from reelmill.plan.jobs.tasks import survey_task
from reelmill.plan.passes.next_passes import after_survey, record_next_passes
from reelmill.plan.snapshot import moment, stamp

TRIES = 3
RETRIES = Backoff(first=60.0, most=900.0)
"""Delays until a failed survey is retried, so that causes fixed outside the resource, such as a missing bucket, are
noticed automatically."""


def advance_survey(draft: PlanDraft) -> None:
    """Handle the state of the survey's Job, or start a survey that is due."""
    if draft.survey.job:
        job = draft.jobs.get(draft.survey.job)
        if job is None and not draft.survey.seen:
            _create(draft)
        elif job is None:
            routine = draft.survey.routine
            draft.survey = draft.survey.replace(job="")
            draft.want_survey(listing=draft.survey.lists, routine=routine)
        else:
            _digest(draft, job)
    _request_refresh(draft)
    stalled = draft.stall is not None and not _is_due_again(draft)
    if draft.survey.wanted and not draft.survey.job and not stalled and not draft.suspended:
        run = draft.next_run()
        draft.survey = draft.survey.replace(
            wanted=False,
            listing=False,
            lists=draft.survey.listing,
            job=survey_name(draft.definition, run),
            seen=False,
            run=run,
        )
        _create(draft)


def _create(draft: PlanDraft) -> None:
    if draft.suspended:
        return
    survey = draft.survey
    task = survey_task(draft.definition, run=survey.run, listing=survey.lists)
    draft.create(control_job(draft.definition, draft.snapshot.settings, task, survey.job, after_survey(draft)))


def _digest(draft: PlanDraft, job: Observed) -> None:
    draft.survey = draft.survey.replace(seen=True)
    if job.live:
        return
    if job.report is None:
        draft.wake(HARVEST_SECONDS)
        return
    report = _complete_report(draft, job)
    if report is None:
        _handle_failure(draft, job)
        return
    survey, draft.stall = draft.survey, None
    draft.survey = SurveyStatus(
        wanted=survey.wanted,
        listing=survey.listing,
        listed=draft.definition.keys.definition if survey.lists else survey.listed,
        listed_at=stamp(draft.now) if survey.lists else survey.listed_at,
    )
    _apply_report(draft, report)
    record_next_passes(draft, job.name, report.next)


def _complete_report(draft: PlanDraft, job: Observed) -> SurveyReport | None:
    report = job.read(SurveyReport) if job.succeeded else None
    if report is None:
        return None
    graph = draft.definition.graph
    try:
        return unpacked(report, graph.sources, graph.upstreams)
    except ValueError:
        return None


def _is_due_again(draft: PlanDraft) -> bool:
    """Whether a survey that was given up is due again; the stall remains until it succeeds."""
    return not draft.survey.job and not draft.wake_at(draft.survey.again_at, RETRIES.most)


def _handle_failure(draft: PlanDraft, job: Observed) -> None:
    tries, routine = draft.survey.tries + 1, draft.survey.routine
    draft.survey = draft.survey.replace(job="", tries=tries)
    draft.want_survey(listing=draft.survey.lists, routine=routine)
    if job.succeeded:
        reason, message, hint, code = ConditionReason.NO_REPORT.value, _without_report(job), "", 0
    elif failure := job.failure:
        reason, message, hint, code = failure.error, failure.message, failure.hint, int(job.exit)
    else:
        reason, message, hint, code = ConditionReason.SURVEY_FAILED.value, _without_report(job), "", int(job.exit)
    if tries >= TRIES or (not job.succeeded and job.exit is ExitCode.CONFIG):
        draft.stall = draft.stalled(reason, message, hint, code)
        stalls = draft.survey.stalls + 1
        again_at = draft.later(RETRIES.delay(stalls))
        draft.survey = draft.survey.replace(tries=0, listed_at=stamp(draft.now), stalls=stalls, again_at=again_at)


def _without_report(job: Observed) -> str:
    how = job.message if job.message and not job.succeeded else f"{job.name} ended without a report"
    return f"{how}; last log lines: {job.last_words}" if job.last_words else how


def _apply_report(draft: PlanDraft, report: SurveyReport) -> None:
    for name, source in draft.sources.items():
        if reported := report.sources.get(name):
            draft.sources[name] = source.replace(
                segments=max(source.segments, reported.segments),
                items=reported.items,
                failed=reported.failed,
                new=reported.new,
                drifted=reported.drifted,
                surveyed=True,
            )
    known = {name: reported.usage.pod_seconds for name, reported in report.stages.items() if reported.usage}
    draft.spent = restored(draft.spent, {name: each for name, each in known.items() if each}, draft.hours)
    for name, stage in draft.stages.items():
        # An open pass is more up to date: its own steps report its result.
        if stage.pass_ is None:
            draft.put(transitions.surveyed(stage, report.stages.get(name, StageReport(segments=0))))
        if name in report.forecast:
            draft.put(transitions.forecast(draft.stages[name], report.forecast[name]))


def _request_refresh(draft: PlanDraft) -> None:
    every, listed_at = draft.definition.spec.refresh, moment(draft.survey.listed_at)
    if every is None or listed_at is None or draft.suspended or draft.stall:
        return
    due = not draft.wake_at(stamp(listed_at + timedelta(seconds=seconds(every))), seconds(every))
    if due and not (draft.survey.job and draft.survey.lists):
        draft.want_survey(listing=True, routine=True)
