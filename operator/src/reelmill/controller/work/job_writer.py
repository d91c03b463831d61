"""Creates, changes and deletes Jobs as a plan says."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from reelmill.contract.conditions import ConditionReason
from reelmill.contract.log import event
from reelmill.controller.kube.api import KubeApi
from reelmill.controller.kube.api_errors import Conflict, Forbidden, ObjectNotFound, Refusal, ServerFault
from reelmill.controller.kube.fresh_reads import labelled
from reelmill.controller.observe.diagnose import Diagnosis
from reelmill.controller.state.cache import Cache, key_of
from reelmill.controller.work.pipeline_memory import PipelineMemory
from reelmill.plan import Action, CreateJob, DeleteJob, DeleteJobs, PatchJob
from reelmill.plan.jobs.build import PIPELINE

Json = dict[str, Any]
_log = logging.getLogger(__name__)


class NamespaceEnding(Exception):
    """The namespace is being deleted, so nothing can be created."""


class WritesRefused(Exception):
    """The API server refused writes of a plan, and all others were made; the text is the reason of the last one.

    The plan needs the pipeline again after `wake` seconds, independently of when the writes are tried again.
    """

    def __init__(self, refusal: Refusal | ServerFault, wake: float | None) -> None:
        super().__init__(str(refusal))
        self.wake = wake


class JobWriter:
    """Writes Jobs, and updates the cache by the responses."""

    def __init__(self, cache: Cache, verbs: KubeApi) -> None:
        self._cache, self._verbs = cache, verbs

    async def apply(
        self, memory: PipelineMemory, namespace: str, actions: Sequence[Action]
    ) -> Refusal | ServerFault | None:
        """Apply actions in order; returns why the last refused one was refused, which does not affect the others."""
        created = {action.job["metadata"]["name"] for action in actions if isinstance(action, CreateJob)}
        memory.refused = {name: why for name, why in memory.refused.items() if name in created}
        memory.faults &= created
        refused: Refusal | ServerFault | None = None
        for action in actions:
            try:
                await self._apply_one(memory, namespace, action)
            except (Refusal, ServerFault) as refusal:
                refused = refusal
        return refused

    async def _apply_one(self, memory: PipelineMemory, namespace: str, action: Action) -> None:
        match action:
            case CreateJob(job):
                await self._create(memory, job)
            case PatchJob(name, patch):
                try:
                    self._cache.jobs.insert(await self._verbs.patch_job(namespace, name, patch))
                except ObjectNotFound:
                    self._forget_job(namespace, name)
            case DeleteJob(name, wait):
                await self._delete(namespace, name, wait=wait)
            case DeleteJobs(jobs):
                await self._delete_all(memory, namespace, jobs)

    async def _create(self, memory: PipelineMemory, job: Json) -> None:
        name = job["metadata"]["name"]
        try:
            # An adopted Job may have lost its labels.
            self._cache.jobs.insert(await labelled(self._verbs, await self._verbs.create_job(job), memory.uid))
        except ServerFault as fault:
            # A single fault is usual while an API server restarts; an admission webhook may be unreachable for days.
            if name in memory.faults:
                memory.refused[name] = _refused_creation(ConditionReason.JOB_REFUSED, name, fault)
            memory.faults.add(name)
            raise
        except Refusal as refusal:
            # The API server's message, equal in all versions, is the only indication.
            ending = "it is being terminated" in str(refusal)
            reason = ConditionReason.NAMESPACE_ENDING if ending else ConditionReason.JOB_REFUSED
            memory.refused[name] = _refused_creation(reason, name, refusal)
            if ending:
                raise NamespaceEnding from refusal
            raise
        memory.refused.pop(name, None)
        memory.faults.discard(name)
        metadata = job["metadata"]
        event(_log, "created", job=name, pipeline=key_of(metadata["namespace"], metadata["labels"][PIPELINE]))

    async def _delete(self, namespace: str, name: str, *, wait: bool) -> None:
        job = self._cache.jobs.named(namespace, name)
        if job is None:
            return
        try:
            answer = await self._verbs.delete_job(job, wait=wait)
        except (ObjectNotFound, Conflict):
            # The Job was deleted, or the name belongs to another one now.
            self._forget_job(namespace, name)
            return
        event(_log, "deleted", job=name)
        left = answer.get("metadata") or {}
        if left.get("deletionTimestamp") and left.get("uid") == job["metadata"]["uid"]:
            self._cache.jobs.insert(answer)
        else:
            self._forget_job(namespace, name)

    async def _delete_all(self, memory: PipelineMemory, namespace: str, jobs: Mapping[str, int]) -> None:
        try:
            await self._verbs.delete_jobs(namespace, memory.uid, jobs.values())
        except Forbidden:
            # The role of an older release only permits deleting them one by one.
            for name in jobs:
                await self._delete(namespace, name, wait=False)
        for name in jobs:
            self._forget_job(namespace, name)

    def _forget_job(self, namespace: str, name: str) -> None:
        if job := self._cache.jobs.named(namespace, name):
            self._cache.jobs.remove(job)


def _refused_creation(reason: ConditionReason, name: str, why: Exception) -> Diagnosis:
    return Diagnosis(reason, f"Job {name} cannot be created: {why}")
