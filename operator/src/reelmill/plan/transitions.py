"""The transitions of a stage's status, each named after what happened: pure functions from a status to the next one."""

from collections.abc import Set
from typing import Literal

from reelmill.contract.records.usage import Usage
from reelmill.contract.status import MESSAGE, PassStatus, StageState, StageStatus, Stall, Status, cut
from reelmill.contract.task import CommitReport, StageReport


def pass_begun(stage: StageStatus, work: PassStatus, at: str) -> StageStatus:
    """A pass began at the time stamp `at`."""
    return stage.replace(pass_=work.replace(started_at=at), found=0)


def pass_changed(stage: StageStatus, work: PassStatus) -> StageStatus:
    """The open pass made progress, or entered another step."""
    return stage.replace(pass_=work)


def pass_opened(stage: StageStatus, work: PassStatus) -> StageStatus:
    """The open step reported the content of the pass; no other pipeline works on it."""
    return stage.replace(pass_=work, shared=0, look_at="")


def pass_left_to_another(stage: StageStatus, segment: int, look_at: str) -> StageStatus:
    """Another pipeline works on the pass that makes `segment`; the next check is at `look_at`."""
    return stage.replace(pass_=None, found=segment, shared=stage.shared + 1, look_at=look_at)


def pass_found(stage: StageStatus, segment: int) -> StageStatus:
    """Another step opened the pass that makes `segment`."""
    return stage.replace(found=segment)


def retry_kept_for_later(stage: StageStatus, classes: list[str]) -> StageStatus:
    """A requested retry was started, but the open pass covers new input and must end first."""
    return stage.replace(retry=classes)


def pass_dropped(stage: StageStatus) -> StageStatus:
    """The pass is no longer worked on; everything else about the stage is unchanged."""
    return stage.replace(pass_=None)


def segment_committed(stage: StageStatus, work: PassStatus, report: CommitReport, *, seconds: float) -> StageStatus:
    """A commit step closed the pass's segment after `seconds` of wall time; an abandoned segment covers nothing."""
    closed = stage.replace(
        pass_=None,
        segments=max(stage.segments, report.segment),
        worked=True,
        tries=0,
        abort_off=False,
        abandon=stage.abandon and not work.abandon,
    )
    if report.state == "abandoned":
        return closed
    return closed.replace(
        totals=report.totals,
        reasons=report.reasons,
        counters=report.counters,
        given=report.given,
        made=report.made,
        usage=report.usage,
        bound=_usage_bound(report.usage),
        items=report.items,
        coverage={**stage.coverage, **report.coverage},
        retries=0 if work.kind != "retry" else None if stage.retries is None else stage.retries + 1,
        rate=round(report.counts.in_ / seconds, 3),
        bytes=report.bytes,
        view=_presented_view(work, report),
    )


def views_presented(stage: StageStatus, work: PassStatus, report: CommitReport) -> StageStatus:
    """A commit step only rebuilt the views."""
    return stage.replace(pass_=None, tries=0, view=_presented_view(work, report))


def step_failed(stage: StageStatus) -> StageStatus:
    """An open or commit step failed, or a plan was stale."""
    return stage.replace(tries=stage.tries + 1)


def shards_failed(stage: StageStatus, logs: str) -> StageStatus:
    """Shards of the pass failed; `logs` is the folder of their logs below the store."""
    return stage.replace(logs=logs)


def early_abort_disabled(stage: StageStatus) -> StageStatus:
    """Early aborts of shards are disabled until the next commit."""
    return stage.replace(abort_off=True)


def stalled(stage: StageStatus, stall: Stall) -> StageStatus:
    """The stage cannot continue by itself."""
    return stage.replace(stall=stall, pass_=None, tries=0)


def stall_lifted(stage: StageStatus) -> StageStatus:
    """An edit or a request cleared the stall; a survey determines the state of the store."""
    return stage.replace(stall=None, pass_=None, surveyed=False, tries=0)


def invalidated(stage: StageStatus) -> StageStatus:
    """The state of the store is no longer known."""
    return stage.replace(pass_=None, surveyed=False)


def retry_requested(stage: StageStatus, classes: list[str]) -> StageStatus:
    """A user requested a retry of these classes (empty: all), without early aborts."""
    return stage.replace(retry=classes, abort_off=True)


def with_retry_started(stage: StageStatus) -> StageStatus:
    """A requested retry was started, or nothing remains to retry."""
    return stage.replace(retry=None)


def abandon_requested(stage: StageStatus) -> StageStatus:
    """A user requested that the open pass is closed as abandoned."""
    return stage.replace(abandon=True)


def abandon_fulfilled(stage: StageStatus) -> StageStatus:
    """There is no open pass to abandon."""
    return stage.replace(pass_=None, abandon=False)


def surveyed(stage: StageStatus, report: StageReport) -> StageStatus:
    """A survey reported the state of the stage in the store. A report with fewer segments is older than the status."""
    if stage.surveyed and report.segments < stage.segments:
        return stage
    same = stage.surveyed and report.segments == stage.segments
    foreign = report.open is not None and report.open.foreign
    return stage.replace(
        surveyed=True,
        segments=report.segments,
        coverage=report.coverage,
        totals=report.totals,
        items=report.items,
        reasons=report.reasons or (stage.reasons if same else {}),
        counters=report.counters or (stage.counters if same else {}),
        given=stage.given if same else None,
        made=stage.made if same else None,
        usage=(usage := report.usage or (stage.usage if same else None)),
        bound=_usage_bound(usage),
        retries=report.retries if report.retries is not None or not same else stage.retries,
        view=report.view,
        found=report.open.segment if report.open else 0,
        shared=(stage.shared or 1) if foreign else 0,
        look_at=stage.look_at if foreign else "",
    )


def forecast(stage: StageStatus, bytes_: int) -> StageStatus:
    """A survey estimated how many bytes the stage will write."""
    return stage.replace(forecast=bytes_)


def described(stage: StageStatus, state: StageState, message: str) -> StageStatus:
    """Set the stage's state and message."""
    return stage.replace(state=state, message=cut(message, MESSAGE))


def _usage_bound(usage: Usage | None) -> Literal["", "decode", "compute", "store", "waiting"]:
    found = usage.bound if usage else None
    return found.value if found else ""


def _presented_view(work: PassStatus, report: CommitReport) -> str:
    # A report without a view although everything was complete must not make the next plan rebuild it.
    return report.view or (work.view if work.complete else "")


def with_seen(status: Status, observed: Set[str]) -> Status:
    """The status with all observed running Jobs marked as seen, which may not have been written yet."""
    survey = status.survey
    if survey.job in observed:
        survey = survey.replace(seen=True)
    stages = [
        stage.replace(pass_=stage.pass_.replace(seen=True)) if stage.pass_ and stage.pass_.job in observed else stage
        for stage in status.stages
    ]
    verification = status.verification
    if verification and verification.job in observed:
        verification = verification.replace(seen=True)
    return status.replace(survey=survey, stages=stages, verification=verification)
