"""One pass over one pipeline: observe, plan, write. The status is written first, then Jobs, then events.

A crash between two writes is harmless: the status contains the names of the Jobs to create, so the next pass creates
the same Jobs, and existing ones are adopted.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from reelmill.contract.conditions import ConditionType
from reelmill.contract.status import Status
from reelmill.controller.kube.api import KubeApi
from reelmill.controller.kube.api_errors import Conflict, ObjectNotFound
from reelmill.controller.kube.event_recorder import EventRecorder
from reelmill.controller.kube.fresh_reads import found_missing, unchanged
from reelmill.controller.observe.diagnose import unlabelled_jobs
from reelmill.controller.observe.job_reports import finished
from reelmill.controller.observe.pod_checks import LAST_LOOK_SECONDS, at_work
from reelmill.controller.observe.snapshots import needed, snapshot, under_way
from reelmill.controller.state.cache import Cache
from reelmill.controller.state.progress_rate import ProgressRate
from reelmill.controller.state.relabel_pace import RELABEL_SECONDS, RelabelPace
from reelmill.controller.work.job_writer import JobWriter, NamespaceEnding, WritesRefused
from reelmill.controller.work.lineage import OperatorLineage
from reelmill.controller.work.pipeline_memory import PipelineMemory
from reelmill.controller.work.report_reader import read_reports
from reelmill.controller.work.status_patch import dropped, merge_patch, only_progress
from reelmill.controller.work.traces import RunTraces
from reelmill.plan import Plan, PlannerSettings, SetFinalizers, reconcile, refuse
from reelmill.plan.deletion import FINALIZER
from reelmill.plan.jobs.spending_limits import limited
from reelmill.plan.status.serialise import as_json
from reelmill.plan.transitions import with_seen

Json = dict[str, Any]
_log = logging.getLogger(__name__)

AT_ONCE = 0.0
PROGRESS_SECONDS = 5.0
"""Minimum time in seconds that a pipeline waits for further changes when its Jobs have only made progress."""


class PipelineWorker:
    """Processes keys. Several tasks may share a worker; the queue gives each key to one task at a time."""

    def __init__(
        self,
        cache: Cache,
        verbs: KubeApi,
        recorder: EventRecorder,
        settings: PlannerSettings,
        *,
        progress_seconds: float = 10.0,
        pace: ProgressRate | None = None,
        lineage: OperatorLineage | None = None,
        traces: RunTraces | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cache, self._verbs, self._recorder, self._settings = cache, verbs, recorder, settings
        self._progress_seconds, self._clock, self._now = progress_seconds, clock, now
        self._pace, self._lineage, self._traces = (
            pace or ProgressRate(),
            lineage or OperatorLineage(),
            traces or RunTraces(),
        )
        self._writer, self._memories = JobWriter(cache, verbs), dict[str, PipelineMemory]()

    async def process(self, key: str) -> float | None:
        """Process a pipeline; returns the seconds after which it must be processed again, or None.

        Raises NoAnswer, Refusal, WritesRefused and Fenced; everything written until then is consistent, and the next
        pass continues.
        """
        namespace, _, name = key.partition("/")
        pipeline = self._cache.pipelines.named(namespace, name)
        if pipeline is None or _ends_by_itself(pipeline):
            # The garbage collector deletes the Jobs.
            self._forget(key, pipeline)
            return None
        memory = self._memory_of(key, pipeline["metadata"]["uid"])
        jobs = self._cache.jobs.owned_by(memory.uid)
        self._pace.mark(key, at_work=any(map(at_work, jobs)))
        written = memory.status_of(pipeline)
        memory.observed = {job["metadata"]["name"] for job in jobs} | (memory.observed & under_way(written))
        status = with_seen(written, memory.observed)
        if await found_missing(self._verbs, self._cache, pipeline, status, jobs, memory.relabel_pace):
            return AT_ONCE
        unlabelled = unlabelled_jobs(job for job in jobs if not finished(job))
        ending = [job for job in jobs if job["metadata"]["name"] in needed(status)]
        if not await read_reports(self._verbs, self._cache, memory.reports, ending):
            return AT_ONCE
        diagnoses, look_again = await memory.looks.at(jobs, self._verbs, self._pace, self._clock(), self._now())
        reports = {job["metadata"]["name"]: memory.reports[uid] for job in jobs if (uid := _uid(job)) in memory.reports}
        spec = memory.spec_of(pipeline)
        trace = self._traces.begin(pipeline, jobs)
        causes = unlabelled | diagnoses | memory.refused
        if unlabelled:
            # Without its labels, a Job is no longer watched.
            look_again = _soonest(look_again, RELABEL_SECONDS)
        seen = snapshot(pipeline, spec, status, jobs, reports, causes, self._settings, trace, memory.dropped)
        now = self._now()
        plan = refuse(seen, spec.problem, now) if spec.problem else reconcile(seen, now, spec.definition)
        if later := self._write_delay(memory, written, plan):
            return _soonest(later, plan.wake_after, look_again)
        try:
            is_current = await self._write_status(memory, pipeline, written, plan)
            if _changes_jobs(plan) and not is_current and not await unchanged(self._verbs, self._cache, pipeline):
                return AT_ONCE
            # Sent at once: if one of the next writes fails, the next pass no longer sees a change.
            self._lineage.changed(pipeline, spec.definition, written, plan.status, now)
            for finalizers in (action for action in plan.actions if isinstance(action, SetFinalizers)):
                await self._set_finalizers(pipeline, finalizers.names)
        except Conflict:
            self._cache.pipelines.insert(await self._verbs.pipeline(namespace, name))
            return AT_ONCE
        except ObjectNotFound:
            self._cache.pipelines.remove(pipeline)
            return None
        try:
            refused = await self._writer.apply(memory, namespace, plan.actions)
        except NamespaceEnding:
            # The only remedy is to remove the finalizer; a resource without one disappears soon.
            return AT_ONCE if seen.deleting else LAST_LOOK_SECONDS
        for event in plan.events:
            await self._recorder.say(pipeline, event, now)
        at_rest = not plan.actions and not any(map(at_work, jobs))
        # Jobs that wait for admission, or are suspended, are at rest, but their run continues.
        running = plan.status.holds(ConditionType.RECONCILING) or not all(map(finished, jobs))
        self._traces.tell(memory.uid, jobs, plan.status, over=at_rest and not running)
        if at_rest:
            # A pipeline at rest is rarely planned, and there may be many.
            memory.spec = None
            if not (running and self._lineage.wanted) and not memory.dropped:
                memory.status = None
        wake = AT_ONCE if memory.dropped != seen.dropped else _soonest(plan.wake_after, look_again)
        if refused:
            raise WritesRefused(refused, wake) from refused
        return wake

    def progress_due(self, key: str) -> float:
        """Seconds after which a pipeline whose Jobs have only made progress must be processed.

        An earlier plan could not write its status yet. If spending is limited, the plan predicts from the running pods
        when the limit will be reached. Pods that do not start, and statuses that others changed, do not wait longer
        than the last checks of pods, however rarely progress is written.
        """
        memory = self._memories.get(key)
        definition = memory.spec.definition if memory and memory.spec else None
        if memory is None or definition is None or limited(definition.spec.limits):
            return PROGRESS_SECONDS
        return max(min(self._until_progress(memory), self._pace.seconds(LAST_LOOK_SECONDS)), PROGRESS_SECONDS)

    def _until_progress(self, memory: PipelineMemory) -> float:
        """Seconds until a status in which only progress changed may be written."""
        return memory.written + self._pace.seconds(self._progress_seconds) - self._clock()

    def _forget(self, key: str, pipeline: Json | None) -> None:
        """Forget a pipeline that is deleted, or that disappears without further work."""
        memory = self._memories.pop(key, None)
        self._pace.mark(key, at_work=False)
        if memory:
            self._traces.forget(memory.uid)
        if memory and memory.status:
            namespace, _, name = key.partition("/")
            known = pipeline or {"metadata": {"namespace": namespace, "name": name, "uid": memory.uid}}
            self._lineage.gone(known, memory.status[1], self._now())

    def _memory_of(self, key: str, uid: str) -> PipelineMemory:
        memory = self._memories.get(key)
        if memory is not None and memory.uid != uid:
            self._forget(key, None)
            memory = None
        if memory is None:
            memory = self._memories[key] = PipelineMemory(uid, RelabelPace(self._clock))
        return memory

    def _write_delay(self, memory: PipelineMemory, written: Status, plan: Plan) -> float | None:
        """Seconds until a status in which only progress changed may be written; None: write now."""
        if plan.actions or plan.events or plan.status == written or not only_progress(written, plan.status):
            return None
        left = self._until_progress(memory)
        return left if left > 0 else None

    async def _write_status(self, memory: PipelineMemory, pipeline: Json, written: Status, plan: Plan) -> bool:
        """Write the status if it has changed; returns whether that has proved the cached version to be current."""
        old = pipeline.get("status") or {}
        if old and plan.status == written:
            return False
        new = as_json(plan.status)
        patch = merge_patch(old, new)
        if not patch:
            return False
        answer = await self._verbs.patch_status(pipeline, patch)
        self._cache.pipelines.insert(answer)
        kept = answer.get("status") or {}
        memory.dropped = tuple(dropped(new, kept))
        memory.status = kept, plan.status
        memory.written = self._clock()
        return True

    async def _set_finalizers(self, pipeline: Json, names: tuple[str, ...]) -> None:
        metadata = pipeline["metadata"]
        if known := self._cache.pipelines.named(metadata["namespace"], metadata["name"]):
            self._cache.pipelines.insert(await self._verbs.patch_finalizers(known, names))


def _changes_jobs(plan: Plan) -> bool:
    return any(not isinstance(action, SetFinalizers) for action in plan.actions)


def _uid(job: Json) -> str:
    uid: str = job["metadata"]["uid"]
    return uid


def _ends_by_itself(pipeline: Json) -> bool:
    metadata = pipeline["metadata"]
    return bool(metadata.get("deletionTimestamp")) and FINALIZER not in (metadata.get("finalizers") or ())


def _soonest(*seconds: float | None) -> float | None:
    return min((value for value in seconds if value is not None), default=None)
