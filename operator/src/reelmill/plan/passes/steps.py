"""The steps of a pass: written into the status with the name of their Job, and created from it.

The Job is made from the status and from the finished Job before it (`after`) alone. So the same Job comes out however
often it is planned.
"""

from typing import Any

from reelmill.contract.ranges import format_ranges, parse_ranges
from reelmill.contract.status import PassStatus, StageStatus
from reelmill.contract.task import OpenReport, Step, view_fingerprint
from reelmill.plan.draft import PlanDraft
from reelmill.plan.jobs.build import control_job, shards_job, step_name
from reelmill.plan.jobs.observe import Observed
from reelmill.plan.jobs.tasks import commit_task, open_task, shards_task, view_params
from reelmill.plan.passes.coverage import completed, to_cover
from reelmill.plan.passes.throttle import busy_stages, may_start
from reelmill.plan.snapshot import stamp


def start(draft: PlanDraft, name: str, work: PassStatus, step: Step = Step.OPEN) -> None:
    """Begin a pass with a step."""
    draft.change(name, pass_=work.model_copy(update={"started_at": stamp(draft.now)}), found=0)
    enter(draft, name, step, after="")


def enter(draft: PlanDraft, name: str, step: Step, *, after: str, **changes: Any) -> None:
    """Write the next step and its Job's name into the status, and create the Job."""
    work = work_of(draft, name).model_copy(update=changes)
    run = draft.next_run()
    fresh = {"step": step.value, "run": run, "after": after, "seen": False, "active": 0, "eta": ""}
    if step is Step.COMMIT:
        upstreams = draft.definition.graph.upstreams[name]
        fresh["complete"] = completed(draft).issuperset(upstreams)
        fresh["view"] = view_fingerprint(view_params(draft.definition, name))
    job = step_name(draft.definition, name, step, work.segment, run, max(work.shards, 1))
    draft.change(name, pass_=work.model_copy(update={**fresh, "job": job}))
    create(draft, name)


def create(draft: PlanDraft, name: str) -> None:
    """Create the step's Job, unless something has to come first."""
    work = work_of(draft, name)
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
        reopen(draft, name)
        return
    started = {other for other, status in draft.stages.items() if _begun(draft, status)}
    if not may_start(name, busy_stages(draft.jobs.values()) | started, definition.spec.limits.max_active_stages):
        return
    ranges = format_ranges(shards)
    whole = "" if len(shards) == work.shards else ranges
    task = shards_task(definition, name, work, whole, abort_off=draft.stages[name].abort_off)
    draft.create(shards_job(definition, settings, task, work.job, shards=shards, shard_ranges=ranges))


def reopen(draft: PlanDraft, name: str) -> None:
    """The store knows what is done: an open step adopts the pass and tells. Views are simply presented again."""
    work = work_of(draft, name)
    if work.kind == "view":
        draft.change(name, pass_=None)
    elif work.abandon:
        enter(draft, name, Step.COMMIT, after="")
    else:
        enter(draft, name, Step.OPEN, after="", close_lost=False)


def undone_after(job: Observed, shards: int) -> list[int]:
    """The shards that are undone after a finished open or shards step, in order."""
    if job.step is Step.SHARDS:
        return [shard for shard in job.shards if shard not in job.completed]
    report = job.read(OpenReport)
    try:
        done = set(parse_ranges(report.done if report else ""))
    except ValueError:
        # A list that was cut: doing a committed shard again is harmless.
        done = set()
    return [shard for shard in range(shards) if shard not in done]


def work_of(draft: PlanDraft, name: str) -> PassStatus:
    """The pass that a stage works on."""
    work = draft.stages[name].pass_
    assert work is not None
    return work


def _undone(draft: PlanDraft, work: PassStatus) -> list[int] | None:
    """The shards that the step has to do, in order; None: not known any more."""
    job = draft.jobs.get(work.after)
    if job is None or (job.step is Step.OPEN and job.read(OpenReport) is None):
        return None
    return undone_after(job, work.shards)


def _begun(draft: PlanDraft, stage: StageStatus) -> bool:
    """Created by this very plan."""
    return (
        stage.pass_ is not None
        and stage.pass_.step == "shards"
        and any(getattr(action, "name", "") == stage.pass_.job for action in draft.actions)
    )
