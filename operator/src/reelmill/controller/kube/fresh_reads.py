"""Reads from the API server, bypassing the cache, before steps that cannot be undone.

A Job is created, changed or deleted only for the current version of its pipeline. Usually, the status is written
before, which fails for any other version; otherwise, the pipeline is read. An existing Job is adopted, but a finished
one may have been deleted since an old version of the pipeline named it, and must not run again.
"""

from collections.abc import Iterable
from typing import Any

from reelmill.contract.status import Status
from reelmill.controller.kube.api import KubeApi
from reelmill.controller.kube.api_errors import ObjectNotFound
from reelmill.controller.state.cache import Cache
from reelmill.controller.state.relabel_pace import RelabelPace
from reelmill.plan.jobs.job_labels import is_labelled, lost_labels

Json = dict[str, Any]


def awaited(status: Status) -> set[str]:
    """Names of the Jobs that the status has seen and still needs; if one is missing, its work is done again."""
    found = {stage.pass_.after for stage in status.stages if stage.pass_}
    found |= {stage.pass_.job for stage in status.stages if stage.pass_ and stage.pass_.seen}
    found |= {status.survey.job} if status.survey.seen else set()
    found |= {status.removal.job} if status.removal and status.removal.seen else set()
    found |= {status.verification.job} if status.verification and status.verification.seen else set()
    return found - {""}


async def found_missing(
    verbs: KubeApi, cache: Cache, pipeline: Json, status: Status, jobs: Iterable[Json], pace: RelabelPace
) -> bool:
    """Whether a Job exists that the cache does not have with all its labels; if so, it is restored in the cache.

    Its labels are restored, too, if the pace allows that.
    """
    relabel = pace.is_due()
    namespace, uid = pipeline["metadata"]["namespace"], pipeline["metadata"]["uid"]
    known = {job["metadata"]["name"] for job in jobs}
    unlabelled = {job["metadata"]["name"] for job in jobs if not is_labelled(job)}
    found = False
    for name in sorted((awaited(status) - known) | (unlabelled if relabel else set())):
        try:
            job = await verbs.job(namespace, name)
            if relabel and lost_labels(job, uid):
                pace.mark()
                job = await labelled(verbs, job, uid)
        except ObjectNotFound:
            continue
        found |= cache.jobs.insert(job)
    return found


async def labelled(verbs: KubeApi, job: Json, pipeline: str) -> Json:
    """An existing Job of the pipeline with this UID, with the labels that it has lost. Raises ObjectNotFound."""
    lost = lost_labels(job, pipeline)
    if not lost:
        return job
    metadata = job["metadata"]
    patch = {"metadata": {"uid": metadata["uid"], "labels": lost}}
    return await verbs.patch_job(metadata["namespace"], metadata["name"], patch)


async def still_failed(verbs: KubeApi, cache: Cache, job: Json) -> Json | None:
    """The current state of a failed Job, whose indexes determine the shards to retry. None: it was deleted."""
    metadata = job["metadata"]
    try:
        fresh = await verbs.job(metadata["namespace"], metadata["name"])
    except ObjectNotFound:
        cache.jobs.remove(job)
        return None
    if fresh["metadata"]["uid"] != metadata["uid"]:
        cache.jobs.remove(job)
        cache.jobs.insert(fresh)
        return None
    cache.jobs.insert(fresh)
    return cache.jobs.trim(fresh)


async def unchanged(verbs: KubeApi, cache: Cache, pipeline: Json) -> bool:
    """Whether the cached version of a pipeline is current, so that its Jobs may be changed."""
    metadata = pipeline["metadata"]
    try:
        fresh = await verbs.pipeline(metadata["namespace"], metadata["name"])
    except ObjectNotFound:
        cache.pipelines.remove(pipeline)
        return False
    cache.pipelines.insert(fresh)
    same = ("uid", "resourceVersion")
    return all(fresh["metadata"].get(name) == metadata.get(name) for name in same)
