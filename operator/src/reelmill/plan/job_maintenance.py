"""Maintenance of existing Jobs: suspend and resume, delete superseded ones, and finished ones when their ttl is over.

Finished Jobs are deleted here rather than by `ttlSecondsAfterFinished`: set from the beginning, it could delete a Job
before its results are read, and setting it later would need a write for every Job.
"""

from collections.abc import Iterable

from reelmill.contract.spec.field_types import seconds
from reelmill.contract.task import Step
from reelmill.plan.decision import DeleteJobs, PatchJob
from reelmill.plan.draft import PlanDraft
from reelmill.plan.jobs.observed_jobs import Observed
from reelmill.plan.jobs.pod import pods10
from reelmill.plan.jobs.queues import is_held

TOGETHER_SECONDS = 300.0
"""Seconds that a Job may be kept beyond its ttl, at most twice as long, so that one request deletes several."""
MOST = 500
"""Maximum number of Jobs in one request, whose URL contains their numbers."""


def decide_about_jobs(draft: PlanDraft) -> None:
    """Decide about every Job of the pipeline, in order of its number."""
    verification = draft.verification.job if draft.verification else ""
    needed = {draft.survey.job, verification} | {
        name for stage in draft.stages.values() if stage.pass_ for name in (stage.pass_.job, stage.pass_.after)
    }
    finished = []
    for job in sorted(draft.jobs.values(), key=lambda job: (job.run, job.name)):
        if job.deleting:
            continue
        if (job.live and job.name not in needed and _is_superseded(draft, job)) or (
            job.live and _has_corrected_pods(draft, job)
        ):
            draft.delete(job)
        elif job.live:
            _update_suspension(draft, job)
            _update_parallelism(draft, job)
        elif job.name not in needed and job.ttl is None:
            finished.append(job)
    _delete_expired(draft, finished)


def _delete_expired(draft: PlanDraft, finished: Iterable[Observed]) -> None:
    """Delete the Jobs whose ttl is over, once one of them has waited long enough for the others."""
    ttl = draft.definition.spec.ttl
    expired: dict[str, int] = {}
    seconds_left: dict[str, float] = {}
    for job in finished:
        if job.ended:
            kept = seconds(ttl.succeeded if job.succeeded else ttl.failed)
            late = (draft.now - job.ended).total_seconds() - kept
            seconds_left[job.name] = min(kept, TOGETHER_SECONDS) - late
            if late >= 0 and len(expired) < MOST:
                expired[job.name] = job.run
    if seconds_left and min(seconds_left.values()) <= 0:
        draft.actions.append(DeleteJobs(expired))
        seconds_left = {name: each for name, each in seconds_left.items() if name not in expired}
    if seconds_left:
        draft.wake(min(seconds_left.values()))


def _is_superseded(draft: PlanDraft, job: Observed) -> bool:
    """Whether a Job is obsolete. A Job with the current key may finish, because its work is valid."""
    if job.step in (Step.SURVEY, Step.VERIFY):
        return True
    stage = draft.stages.get(job.stage)
    if stage is None or stage.abandon or job.place10 != draft.definition.keys.place[:10]:
        return True
    return job.key10 != stage.key[:10]


def _has_corrected_pods(draft: PlanDraft, job: Observed) -> bool:
    """Whether the pods of a Job cannot start and the spec has changed since, so that a new Job replaces it."""
    if job.name not in draft.snapshot.waiting or not job.pods10:
        return False
    return job.pods10 != pods10(draft.definition, draft.snapshot.settings, job.stage)


def _update_parallelism(draft: PlanDraft, job: Observed) -> None:
    """Update the parallelism in place, unless a queue admitted the Job with a lower one."""
    if job.step is not Step.SHARDS or _is_held_by_queue(draft) or job.key10 != draft.stages[job.stage].key[:10]:
        return
    wanted = min(draft.definition.graph.stages[job.stage].parallelism, len(job.shards))
    if job.parallelism != wanted:
        draft.actions.append(PatchJob(job.name, {"spec": {"parallelism": wanted}}))


def _update_suspension(draft: PlanDraft, job: Observed) -> None:
    if _is_held_by_queue(draft):
        # The queue controls `suspend`, so the Job is deleted; the pass continues from the store on resume.
        if draft.suspended:
            draft.delete(job)
    elif job.suspended != draft.suspended:
        draft.actions.append(PatchJob(job.name, {"spec": {"suspend": draft.suspended}}))


def _is_held_by_queue(draft: PlanDraft) -> bool:
    return is_held(draft.definition.spec, draft.snapshot.settings.extras)
