"""The life of a stage's pass: open, shards, commit; what each finished Job means for the next.

A step is first written into the status with the name of its Job; the Job is created from the status and from the
finished Job before it (`after`). So the same Job comes out however often it is planned.
"""

from typing import Any

from reelmill.contract.errors import ExitCode
from reelmill.contract.ranges import format_ranges, parse_ranges
from reelmill.contract.status import RANGES, PassStatus, StageStatus, cut
from reelmill.contract.task import CommitReport, OpenReport, Step, view_fingerprint
from reelmill.plan.cover import completed, to_cover
from reelmill.plan.draft import HARVEST_SECONDS, Draft
from reelmill.plan.jobs import control_job, shards_job, step_name
from reelmill.plan.observe import Observed
from reelmill.plan.retry import Attempt, Next, after_control, after_shards
from reelmill.plan.snapshot import moment, stamp
from reelmill.plan.tasks import commit_task, open_task, shards_task, view_params
from reelmill.plan.throttle import busy_stages, may_start

FIRST_LOOK_SECONDS = 5.0
"""How soon to look again at a pass in another pipeline's hands; doubled each time."""
LAST_LOOK_SECONDS = 300.0


def start(draft: Draft, name: str, work: PassStatus, step: Step = Step.OPEN) -> None:
    """Begin a pass with a step."""
    draft.change(name, pass_=work.model_copy(update={"started_at": stamp(draft.now)}), found=0)
    enter(draft, name, step, after="")


def enter(draft: Draft, name: str, step: Step, *, after: str, **changes: Any) -> None:
    """Write the next step and its Job's name into the status, and create the Job."""
    work = _work(draft, name).model_copy(update=changes)
    run = draft.next_run()
    fresh = {"step": step.value, "run": run, "after": after, "seen": False, "active": 0}
    if step is Step.COMMIT:
        upstreams = draft.definition.graph.upstreams[name]
        fresh["complete"] = completed(draft).issuperset(upstreams)
        fresh["view"] = view_fingerprint(view_params(draft.definition, name))
    job = step_name(draft.definition, name, step, work.segment, run, max(work.shards, 1))
    draft.change(name, pass_=work.model_copy(update={**fresh, "job": job}))
    create(draft, name)


def advance_pass(draft: Draft, name: str) -> None:
    """Take up what the current step's Job says."""
    work = _work(draft, name)
    if draft.stages[name].abandon and not work.abandon:
        _abandon(draft, name)
        return
    job = draft.jobs.get(work.job)
    if job is None and not work.seen:
        create(draft, name)
    elif job is None:
        _reopen(draft, name)
    elif job.live or job.report is None:
        draft.change(name, pass_=work.model_copy(update={"seen": True, **_progress(work, job)}))
        if not job.live:
            draft.wake(HARVEST_SECONDS)
    else:
        draft.change(name, pass_=work.model_copy(update={"seen": True, **_progress(work, job)}))
        _DIGEST[job.step](draft, name, job)


def create(draft: Draft, name: str) -> None:
    """Create the step's Job, unless something has to come first."""
    work = _work(draft, name)
    if draft.suspended or any(job.live and job.stage == name for job in draft.jobs.values()):
        return
    definition, settings = draft.definition, draft.snapshot.settings
    if work.step == "open":
        task = open_task(definition, name, work, to_cover(draft, name))
        draft.create(control_job(definition, settings, task, work.job))
        return
    if work.step == "commit":
        draft.create(control_job(definition, settings, commit_task(definition, name, work), work.job))
        return
    shards = _undone(draft, work)
    if shards is None:
        _reopen(draft, name)
        return
    started = {other for other, status in draft.stages.items() if _begun(draft, status)}
    if not may_start(name, busy_stages(draft.jobs.values()) | started, definition.spec.limits.max_active_stages):
        return
    ranges = format_ranges(shards)
    whole = "" if len(shards) == work.shards else ranges
    task = shards_task(definition, name, work, whole, abort_off=draft.stages[name].abort_off)
    draft.create(shards_job(definition, settings, task, work.job, shards=shards, shard_ranges=ranges))


def _begun(draft: Draft, stage: StageStatus) -> bool:
    """Created by this very plan."""
    return (
        stage.pass_ is not None
        and stage.pass_.step == "shards"
        and any(getattr(action, "name", "") == stage.pass_.job for action in draft.actions)
    )


def _opened(draft: Draft, name: str, job: Observed) -> None:
    report = job.read(OpenReport) if job.succeeded else None
    if report is None:
        _control_failed(draft, name, job)
        return
    if report.closed:
        _unknown(draft, name)
        return
    if report.foreign:
        looks = draft.stages[name].shared
        wait = min(FIRST_LOOK_SECONDS * 2 ** min(looks, 16), LAST_LOOK_SECONDS)
        draft.change(name, pass_=None, found=report.segment, shared=looks + 1, look_at=draft.later(wait))
        return
    work = _work(draft, name)
    told = {"segment": report.segment, "shards": report.shards, "items": report.in_}
    draft.change(name, pass_=work.model_copy(update=told), shared=0, look_at="")
    undone = _undone_after(job, report.shards)
    done = report.shards - len(undone)
    if undone:
        enter(draft, name, Step.SHARDS, after=job.name, done=done, attempt=max(work.attempt, 1), failed="")
    else:
        enter(draft, name, Step.COMMIT, after=job.name, done=done)


def _attempted(draft: Draft, name: str, job: Observed) -> None:
    work = _work(draft, name)
    undone = _undone_after(job, work.shards)
    done = work.shards - len(undone)
    code = ExitCode.OK if job.succeeded else job.exit
    attempt = Attempt(number=work.attempt, undone=len(undone), done=done, succeeded=job.succeeded, exit=code)
    match after_shards(attempt, draft.definition.graph.stages[name].failures):
        case Next.COMMIT:
            enter(draft, name, Step.COMMIT, after=job.name, done=done, failed="")
        case Next.ATTEMPT:
            if code is ExitCode.EARLY_ABORT:
                draft.change(name, abort_off=True)
            enter(draft, name, Step.SHARDS, after=job.name, done=done, attempt=work.attempt + 1)
        case Next.GIVE_UP:
            enter(draft, name, Step.COMMIT, after=job.name, done=done, close_lost=True)
        case Next.SURVEY:
            _stale(draft, name, job)
        case _:
            _stall(draft, name, job)


def _committed(draft: Draft, name: str, job: Observed) -> None:
    report = job.read(CommitReport) if job.succeeded else None
    if report is None:
        _control_failed(draft, name, job)
        return
    stage, work = draft.stages[name], _work(draft, name)
    # A report that names no view although all was complete must not make the next plan present it again.
    view = report.view or (work.view if work.complete else "")
    if work.kind == "view":
        draft.change(name, pass_=None, tries=0, view=view)
        return
    retries = 0 if work.kind != "retry" else None if stage.retries is None else stage.retries + 1
    known = {
        "totals": report.totals,
        "reasons": report.reasons,
        "items": report.items,
        "coverage": {**stage.coverage, **report.coverage},
        "retries": retries,
        "rate": round(report.counts.in_ / _seconds_since(draft, work.started_at), 3),
        "bytes": report.bytes,
        "view": view,
    }
    draft.change(
        name,
        pass_=None,
        segments=max(stage.segments, report.segment),
        worked=True,
        tries=0,
        abort_off=False,
        abandon=stage.abandon and not work.abandon,
        **(known if report.state == "committed" else {}),
    )


_DIGEST = {Step.OPEN: _opened, Step.SHARDS: _attempted, Step.COMMIT: _committed}


def _control_failed(draft: Draft, name: str, job: Observed) -> None:
    """An open or commit step failed, or ended without a report."""
    tries = draft.stages[name].tries + 1
    draft.change(name, tries=tries)
    code = ExitCode.BUG if job.succeeded else job.exit
    match after_control(code, tries, draft.definition.graph.stages[name].failures.attempts):
        case Next.STALL:
            _stall(draft, name, job)
        case Next.SURVEY:
            _unknown(draft, name)
        case _ if job.succeeded:
            _unknown(draft, name)
        case _:
            _reopen(draft, name)


def _stale(draft: Draft, name: str, job: Observed) -> None:
    tries = draft.stages[name].tries + 1
    draft.change(name, tries=tries)
    if tries >= draft.definition.graph.stages[name].failures.attempts:
        _stall(draft, name, job)
    else:
        _unknown(draft, name)


def _stall(draft: Draft, name: str, job: Observed) -> None:
    failure = job.failure
    if failure:
        stall = draft.stalled(failure.error, failure.message, failure.hint, int(job.exit))
    else:
        what = "ended without a report" if job.succeeded else job.message or "failed"
        stall = draft.stalled("StepFailed", f"the {job.step.value} step {job.name}: {what}", "", int(job.exit))
    draft.change(name, stall=stall, pass_=None, tries=0)


def _unknown(draft: Draft, name: str) -> None:
    """What the store has is not known any more: a survey tells."""
    draft.change(name, pass_=None, surveyed=False)
    draft.want_survey(listing=False)


def _reopen(draft: Draft, name: str) -> None:
    """The store knows what is done: an open step adopts the pass and tells. Views are simply presented again."""
    work = _work(draft, name)
    if work.kind == "view":
        draft.change(name, pass_=None)
    elif work.abandon:
        enter(draft, name, Step.COMMIT, after="")
    else:
        enter(draft, name, Step.OPEN, after="", close_lost=False)


def _abandon(draft: Draft, name: str) -> None:
    """Close the pass as abandoned. Its Jobs are no longer referred to, so they are swept away first."""
    work = _work(draft, name)
    if work.kind == "view":
        draft.change(name, pass_=None, abandon=False)
    else:
        enter(draft, name, Step.COMMIT, after="", abandon=True, close_lost=False)


def _seconds_since(draft: Draft, text: str) -> float:
    began = moment(text)
    return max((draft.now - began).total_seconds(), 1.0) if began else 1.0


def _undone(draft: Draft, work: PassStatus) -> list[int] | None:
    """The shards that the step has to do, in order; None: not known any more."""
    job = draft.jobs.get(work.after)
    if job is None or (job.step is Step.OPEN and job.read(OpenReport) is None):
        return None
    return _undone_after(job, work.shards)


def _undone_after(job: Observed, shards: int) -> list[int]:
    if job.step is Step.SHARDS:
        return [shard for shard in job.shards if shard not in job.completed]
    report = job.read(OpenReport)
    try:
        done = set(parse_ranges(report.done if report else ""))
    except ValueError:
        # A list that was cut: doing a committed shard again is harmless.
        done = set()
    return [shard for shard in range(shards) if shard not in done]


def _progress(work: PassStatus, job: Observed) -> dict[str, Any]:
    if job.step is not Step.SHARDS:
        return {"active": job.active}
    before = work.shards - len(job.shards)
    return {
        "active": job.active,
        "done": before + len(job.completed),
        "failed": cut(format_ranges(job.failed), RANGES),
    }


def _work(draft: Draft, name: str) -> PassStatus:
    work = draft.stages[name].pass_
    assert work is not None
    return work
