"""Progress of a stage's pass: the next step, depending on how the Job of the current one ended."""

from reelmill.contract.ranges import format_ranges
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.status import RANGES, PassStatus, cut
from reelmill.contract.task import Step
from reelmill.plan import transitions
from reelmill.plan.draft import HARVEST_SECONDS, PlanDraft
from reelmill.plan.jobs.observed_jobs import Observed
from reelmill.plan.passes.step_results import committed, ended_whole, handle_end_of_shards, opened, seconds_since
from reelmill.plan.passes.steps import create, enter, reopen, work_of


def advance_pass(draft: PlanDraft, name: str) -> None:
    """Advance the pass according to the state of the current step's Job."""
    work = work_of(draft, name)
    if draft.stages[name].abandon and not work.abandon:
        _abandon_pass(draft, name)
        return
    job = draft.jobs.get(work.job)
    if job is None and not work.seen:
        create(draft, name)
    elif job is None and work.whole:
        enter(draft, name, work, "shards")
    elif job is None:
        reopen(draft, name)
    elif job.live or job.report is None:
        _update_progress(draft, name, job)
        if not job.live:
            draft.wake(HARVEST_SECONDS)
    else:
        _update_progress(draft, name, job)
        _RESULTS[job.step](draft, name, job)


_RESULTS = {Step.OPEN: opened, Step.SHARDS: handle_end_of_shards, Step.COMMIT: committed, Step.WHOLE: ended_whole}


def _abandon_pass(draft: PlanDraft, name: str) -> None:
    """Close the pass as abandoned. Its Jobs, which the status no longer refers to, are deleted first."""
    work = work_of(draft, name)
    if work.kind == "view":
        draft.put(transitions.abandon_fulfilled(draft.stages[name]))
    else:
        enter(draft, name, work.replace(abandon=True, close_lost=False), "commit")


def _update_progress(draft: PlanDraft, name: str, job: Observed) -> None:
    """Update the progress from the Job."""
    work = work_of(draft, name)
    if job.step is not Step.SHARDS:
        stage = draft.put(transitions.pass_changed(draft.stages[name], work.replace(seen=True, active=job.active)))
        if job.step is Step.WHOLE and job.finished and not job.succeeded:
            draft.put(transitions.shards_failed(stage, _logs(draft, name, work)))
        return
    before = work.shards - len(job.shards)
    done, failed = before + len(job.completed), cut(format_ranges(job.failed), RANGES)
    # Update the estimate only when shards completed, because every difference in the status is a write.
    eta = work.eta if done == work.done else _estimated_end(draft, work, done)
    seen = work.replace(seen=True, active=job.active, done=done, failed=failed, eta=eta)
    stage = draft.put(transitions.pass_changed(draft.stages[name], seen))
    if job.failed:
        draft.put(transitions.shards_failed(stage, _logs(draft, name, work)))


def _estimated_end(draft: PlanDraft, work: PassStatus, done: int) -> str:
    if not done or done >= work.shards:
        return ""
    return draft.later(seconds_since(draft, work.started_at) * (work.shards - done) / done)


def _logs(draft: PlanDraft, name: str, work: PassStatus) -> str:
    """Folder of the logs of a pass's shards: `<shard>-<run>.jsonl`."""
    return DataSetPaths(name, draft.definition.keys[name]).segment(work.segment).log(0, "").rpartition("/")[0]
