"""The steps of a pass: recorded in the status with the names of their Jobs, from which the Jobs are created.

A Job depends only on the status and on the finished Job before it (`after`), so planning is repeatable.
"""

from reelmill.contract.digest import view_fingerprint
from reelmill.contract.ranges import format_ranges, parse_ranges
from reelmill.contract.status import PassStatus, PassStep, StageStatus
from reelmill.contract.task import OpenReport, Step
from reelmill.contract.task_parts.follow_up import FollowUp
from reelmill.plan import transitions
from reelmill.plan.draft import PlanDraft
from reelmill.plan.jobs.build import control_job, shards_job, step_name, whole_job
from reelmill.plan.jobs.observed_jobs import Observed
from reelmill.plan.jobs.tasks import commit_task, open_task, shards_task, view_params, whole_task
from reelmill.plan.passes.coverage import completed, to_cover
from reelmill.plan.passes.next_passes import after_pass, open_follow_up
from reelmill.plan.passes.throttle import busy_stages, may_start
from reelmill.plan.snapshot import stamp

SHARDS_THAT_CLOSE = 16
"""Maximum number of shards of a pass that the pod of the last shard closes, because all pods must be read."""


def start(draft: PlanDraft, name: str, work: PassStatus, step: PassStep = "open", *, after: str = "") -> None:
    """Start a pass with a step; a shards step without a preceding Job is the whole pass."""
    draft.put(transitions.pass_begun(draft.stages[name], work, stamp(draft.now)))
    enter(draft, name, work_of(draft, name), step, after=after)


def enter(draft: PlanDraft, name: str, work: PassStatus, step: PassStep, *, after: str = "") -> None:
    """Record the next step of a pass and the name of its Job in the status, and create the Job."""
    run = draft.next_run()
    work = work.replace(step=step, run=run, after=after, seen=False, active=0, eta="")
    if work.whole:
        work = work.replace(shards=1, attempt=max(work.attempt, 1), failed="")
    if work.whole or step == "commit" or _last_pod_closes(draft, work):
        upstreams = draft.definition.graph.upstreams[name]
        view = view_fingerprint(view_params(draft.definition, name))
        work = work.replace(complete=completed(draft).issuperset(upstreams), view=view)
    kind = Step.WHOLE if work.whole else Step(step)
    work = work.replace(job=step_name(draft.definition, name, kind, work.segment, run, max(work.shards, 1)))
    draft.put(transitions.pass_changed(draft.stages[name], work))
    create(draft, name)


def create(draft: PlanDraft, name: str) -> None:
    """Create the Job of the step, unless it has to wait for something."""
    work = work_of(draft, name)
    if draft.suspended or any(job.live and job.stage == name for job in draft.jobs.values()):
        return
    definition, settings = draft.definition, draft.snapshot.settings
    if work.step == "open":
        task = open_task(definition, name, work, to_cover(draft, name))
        draft.create(control_job(definition, settings, task, work.job, open_follow_up(draft)))
        return
    if work.step == "commit":
        closes = work.kind != "view" and not work.abandon
        follow_up = after_pass(draft, name) if closes else FollowUp()
        draft.create(control_job(definition, settings, commit_task(definition, name, work), work.job, follow_up))
        return
    shards = [0] if work.whole else _shards_to_run(draft, name, work)
    if shards is None:
        reopen(draft, name)
        return
    started = {other for other, status in draft.stages.items() if _is_created_now(draft, status)}
    if not may_start(name, busy_stages(draft.jobs.values()) | started, definition.spec.limits.max_active_stages):
        return
    abort_off = draft.stages[name].abort_off
    if work.whole:
        task = whole_task(definition, name, work, to_cover(draft, name), abort_off=abort_off)
        draft.create(whole_job(definition, settings, task, work.job, after_pass(draft, name, whole=True)))
        return
    ranges, closes = format_ranges(shards), _last_pod_closes(draft, work)
    closing = after_pass(draft, name, closes=True) if closes else None
    shard_map = "" if len(shards) == work.shards else ranges
    task = shards_task(definition, name, work, shard_map, abort_off=abort_off, closes=closes)
    draft.create(
        shards_job(
            definition,
            settings,
            task,
            work.job,
            shards=shards,
            shard_ranges=ranges,
            memory=work.memory,
            follow_up=closing,
        )
    )


def reopen(draft: PlanDraft, name: str) -> None:
    """Run an open step, which adopts the pass and reports its state in the store; a views pass just starts again."""
    work = work_of(draft, name)
    if work.kind == "view":
        draft.put(transitions.pass_dropped(draft.stages[name]))
    elif work.abandon:
        enter(draft, name, work, "commit")
    else:
        enter(draft, name, work.replace(close_lost=False), "open")


def uncommitted_shards(job: Observed, stage: str, shards: int) -> list[int]:
    """The shards of a stage's pass that are not committed after a Job that opened it or ran its shards, in order."""
    if _ran_shards(job, stage):
        return [shard for shard in job.shards if shard not in job.completed]
    report = job.read(OpenReport)
    try:
        done = set(parse_ranges(report.done if report else ""))
    except ValueError:
        # The list was truncated: running a committed shard again is harmless.
        done = set()
    return [shard for shard in range(shards) if shard not in done]


def work_of(draft: PlanDraft, name: str) -> PassStatus:
    """The open pass of a stage."""
    work = draft.stages[name].pass_
    assert work is not None
    return work


def _shards_to_run(draft: PlanDraft, name: str, work: PassStatus) -> list[int] | None:
    """The shards that the step has to run, in order; None: unknown."""
    job = draft.jobs.get(work.after)
    if job is None or not (_ran_shards(job, name) or job.opened(name)):
        return None
    return uncommitted_shards(job, name, work.shards)


def _ran_shards(job: Observed, stage: str) -> bool:
    return job.step is Step.SHARDS and job.stage == stage


def _last_pod_closes(draft: PlanDraft, work: PassStatus) -> bool:
    """Whether the pod of the last shard closes the pass: in the first attempt, and if that takes little time."""
    bound = draft.snapshot.settings.bound
    if bound is None or work.step != "shards" or work.whole or work.attempt != 1:
        return False
    return work.shards <= SHARDS_THAT_CLOSE and work.items <= bound.items * work.shards


def _is_created_now(draft: PlanDraft, stage: StageStatus) -> bool:
    """Whether this plan creates the Job."""
    return (
        stage.pass_ is not None
        and stage.pass_.step == "shards"
        and any(getattr(action, "name", "") == stage.pass_.job for action in draft.actions)
    )
