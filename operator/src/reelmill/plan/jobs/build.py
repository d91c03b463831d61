"""The Indexed Job of a step. It is created once, and later only a few fields are patched.

The podFailurePolicy implements the exit codes: disruptions of nodes do not count as failures, invalid configuration and
stale plans fail the Job, an early abort fails its index, and all other failures are counted and retried. A ttl is not
set because the Job could be deleted before its results are read (see `plan.job_maintenance`).
"""

from collections.abc import Mapping
from typing import Any

from reelmill.contract.errors import ExitCode
from reelmill.contract.process.trace_context import ENV as TRACE_ENV
from reelmill.contract.process.trace_context import job_context
from reelmill.contract.ranges import parse_ranges
from reelmill.contract.spec.field_types import seconds
from reelmill.contract.spec.pipeline import API_VERSION, KIND
from reelmill.contract.task import STAGELESS, Step, Task
from reelmill.contract.task_parts.follow_up import FollowUp
from reelmill.plan.jobs.names import digest10, job_name
from reelmill.plan.jobs.pod import CONTAINER, pod_spec, pods10
from reelmill.plan.jobs.queues import KUEUE_QUEUE, is_held, queueing
from reelmill.plan.jobs.tasks import Definition
from reelmill.plan.settings import PlannerSettings

MANAGED_BY, MANAGER = "app.kubernetes.io/managed-by", "reelmill"
"""Label of every Job, by which Jobs are listed and watched, and its value."""
GROUP = "reelmill.dev"
PIPELINE, UID, STAGE, STEP, RUN, SEGMENT, ATTEMPT, KEY, PLACE, PODS = (
    f"{GROUP}/{word}"
    for word in ("pipeline", "uid", "stage", "step", "run", "segment", "attempt", "key", "place", "pods")
)
SHARDS = f"{GROUP}/shards"
"""Annotation with the ranges of the shards to which the indexes of a Job are mapped, in order."""
CLOSES = f"{GROUP}/closes"
"""Annotation of a shards Job in which a pod may close the pass and report it."""
TRACE = f"{GROUP}/traceparent"
"""Annotation with the context of a Job in the trace of its run."""
CONTROL_RETRIES = 3

POD_FAILURE_POLICY = {
    "rules": [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {
            "action": "FailJob",
            "onExitCodes": {
                "containerName": CONTAINER,
                "operator": "In",
                "values": [int(ExitCode.CONFIG), int(ExitCode.STALE_PLAN)],
            },
        },
        {
            "action": "FailIndex",
            "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [int(ExitCode.EARLY_ABORT)]},
        },
    ]
}


def survey_name(definition: Definition, run: int) -> str:
    """The name of a survey Job."""
    digest = digest10(definition.uid, definition.keys.definition, 0)
    return job_name(definition.pipeline.metadata.name, "survey", digest, Step.SURVEY, run, 1)


def step_name(definition: Definition, stage: str, step: Step, segment: int, run: int, completions: int) -> str:
    """The name of the Job of a pass's step; `completions` limits its length (the number of shards of the pass)."""
    digest = digest10(definition.uid, definition.keys[stage], segment)
    return job_name(definition.pipeline.metadata.name, stage, digest, step, run, completions)


def control_job(
    definition: Definition, settings: PlannerSettings, task: Task, name: str, follow_up: FollowUp
) -> dict[str, Any]:
    """The Job of a survey, or of an open or commit step: one completion."""
    return _job_body(
        definition, settings, task, name, completions=1, parallelism=1, retries=CONTROL_RETRIES, follow_up=follow_up
    )


def verification_job(definition: Definition, settings: PlannerSettings, task: Task) -> dict[str, Any]:
    """The Job of a verification."""
    digest = digest10(definition.uid, definition.keys.definition, 0)
    name = job_name(definition.pipeline.metadata.name, "verify", digest, Step.VERIFY, task.run, 1)
    return _job_body(definition, settings, task, name, completions=1, parallelism=1, retries=CONTROL_RETRIES)


def whole_job(
    definition: Definition, settings: PlannerSettings, task: Task, name: str, follow_up: FollowUp
) -> dict[str, Any]:
    """The Job of a whole pass: one completion, with the placement and the retries of a shard."""
    retries = definition.graph.stages[task.stage.name].failures.retries_per_shard
    return _job_body(
        definition, settings, task, name, completions=1, parallelism=1, retries=retries, follow_up=follow_up
    )


def removal_job(definition: Definition, settings: PlannerSettings, task: Task) -> dict[str, Any]:
    """The Job that deletes the data of a pipeline that is being deleted.

    It has no owner, because a foreground deletion would delete owned Jobs first; a ttl removes it. It is not queued by
    Kueue.
    """
    digest = digest10(definition.uid, "remove", 0)
    name = job_name(definition.pipeline.metadata.name, "remove", digest, Step.REMOVE, task.run, 1)
    job = _job_body(definition, settings, task, name, completions=1, parallelism=1, retries=CONTROL_RETRIES)
    del job["metadata"]["ownerReferences"]
    job["metadata"]["labels"].pop(KUEUE_QUEUE, None)
    job["spec"].update({"suspend": False, "ttlSecondsAfterFinished": int(seconds(definition.spec.ttl.failed))})
    return job


def shards_job(
    definition: Definition,
    settings: PlannerSettings,
    task: Task,
    name: str,
    *,
    shards: list[int],
    shard_ranges: str,
    memory: str = "",
    follow_up: FollowUp | None = None,
) -> dict[str, Any]:
    """The Job of one attempt, with an index for each of `shards`, in order; `memory` overrides that of the stage.

    With a follow-up, the pod of the last shard closes the pass.
    """
    stage = definition.graph.stages[task.stage.name]
    job = _job_body(
        definition,
        settings,
        task,
        name,
        completions=len(shards),
        parallelism=min(stage.parallelism, len(shards)),
        retries=stage.failures.retries_per_shard,
        follow_up=follow_up,
        memory=memory,
    )
    job["metadata"]["annotations"] = {SHARDS: shard_ranges, **({CLOSES: "true"} if follow_up else {})}
    # The last attempt runs every shard, so that no shard is closed as lost without an attempt.
    last = task.attempt >= stage.failures.attempts
    some = max(stage.parallelism, len(shards) // 10)
    job["spec"]["maxFailedIndexes"] = len(shards) if last else min(some, len(shards))
    return job


def in_trace(job: dict[str, Any], trace_id: str) -> dict[str, Any]:
    """Add the context of a trace to a Job and its pods."""
    variable = {"name": TRACE_ENV, "value": str(job_context(trace_id, job["metadata"]["name"]))}
    pod = job["spec"]["template"]["spec"]
    containers = [
        {**each, "env": [*each["env"], variable]} if each["name"] == CONTAINER else each for each in pod["containers"]
    ]
    template = {**job["spec"]["template"], "spec": {**pod, "containers": containers}}
    annotations = {**(job["metadata"].get("annotations") or {}), TRACE: variable["value"]}
    metadata = {**job["metadata"], "annotations": annotations}
    return {**job, "metadata": metadata, "spec": {**job["spec"], "template": template}}


def shards_of(job: Mapping[str, Any]) -> list[int]:
    """The shards of an attempt's indexes, in order. Raises ValueError for an invalid annotation."""
    ranges = (job["metadata"].get("annotations") or {}).get(SHARDS, "")
    return parse_ranges(ranges) or list(range((job.get("spec") or {}).get("completions") or 0))


def _job_body(
    definition: Definition,
    settings: PlannerSettings,
    task: Task,
    name: str,
    *,
    completions: int,
    parallelism: int,
    retries: int,
    follow_up: FollowUp | None = None,
    memory: str = "",
) -> dict[str, Any]:
    step = Step.WHOLE if follow_up and follow_up.whole else task.step
    metadata = definition.pipeline.metadata
    stage = "" if task.step in STAGELESS else task.stage.name
    key = definition.keys[stage] if stage else definition.keys.definition
    labels = {
        "app.kubernetes.io/name": "reelmill",
        MANAGED_BY: MANAGER,
        "app.kubernetes.io/component": step.value,
        PIPELINE: metadata.name,
        UID: definition.uid,
        STEP: step.value,
        RUN: str(task.run),
        KEY: key[:10],
        PLACE: definition.keys.place[:10],
        PODS: pods10(definition, settings, stage),
        **({STAGE: stage, SEGMENT: str(task.segment)} if stage else {}),
        **({ATTEMPT: str(task.attempt)} if step in (Step.SHARDS, Step.WHOLE) else {}),
    }
    extras = settings.extras
    queue = queueing(definition.spec, extras, f"{metadata.name[:26]}-{definition.uid}"[:63])
    pod_labels = {**extras.labels, **queue.pod_labels, **labels}
    annotations = {**extras.annotations, **queue.pod_annotations}
    pod = pod_spec(definition, settings, task, follow_up, memory)
    if scheduler := extras.scheduler_name or queue.scheduler:
        pod = {**pod, "schedulerName": scheduler}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": metadata.namespace,
            "labels": {**extras.labels, **labels, **queue.job_labels},
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": KIND,
                    "name": metadata.name,
                    "uid": definition.uid,
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {
            "completionMode": "Indexed",
            "completions": completions,
            "parallelism": parallelism,
            "backoffLimitPerIndex": retries,
            "maxFailedIndexes": completions,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": POD_FAILURE_POLICY,
            "suspend": is_held(definition.spec, extras),
            "template": {
                "metadata": {"labels": pod_labels, **({"annotations": annotations} if annotations else {})},
                "spec": pod,
            },
        },
    }
