"""The report of a finished Job, from the termination messages of its pods. Pure: pods are passed as raw dicts.

A killed pod has no message. The kubelet's reason then becomes the report, so that the status distinguishes a pod that
ran out of memory from a bug.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from reelmill.contract.conditions import ConditionReason
from reelmill.contract.task import Failure, Step
from reelmill.plan.jobs.build import CLOSES, STEP
from reelmill.plan.jobs.log_tail import last_words
from reelmill.plan.jobs.pod import CONTAINER

Json = Mapping[str, Any]
_MEMORY = "increase resources.limits.memory, or use fewer workers"


def finished(job: Json) -> str:
    """`Complete`, `Failed`, or empty if the Job is not finished."""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition.get("type") in ("Complete", "Failed") and condition.get("status") == "True":
            return str(condition["type"])
    return ""


def phase_to_read(job: Json) -> str:
    """The phase of the pods that have the report of a finished Job; empty if no pod needs to be read."""
    end, step = finished(job), (job["metadata"].get("labels") or {}).get(STEP)
    if end == "Complete":
        # Shards report by their commits in the store, unless one of them has closed the pass.
        silent = step == Step.SHARDS and CLOSES not in (job["metadata"].get("annotations") or {})
        return "" if silent else "Succeeded"
    return "Failed"


def report(job: Json, pods: Iterable[Json]) -> str:
    """The report of a finished Job: the message of the pod that ended last, or why it ended, or empty."""
    ends = sorted((end for pod in pods if (end := _pod_end(pod))), key=lambda end: end[0])
    messages = [message for _, _, message, _ in ends if message]
    reports = [message for message in messages if not last_words(message)]
    if reports:
        return reports[-1]
    tail = last_words(messages[-1]) if messages else ""
    if finished(job) != "Failed" or not ends:
        return tail
    _, name, _, (reason, words) = ends[-1]
    try:
        step = Step(str((job["metadata"].get("labels") or {}).get(STEP)))
    except ValueError:
        return tail
    if not reason:
        return tail
    error = str(ConditionReason.OUT_OF_MEMORY) if reason == "OOMKilled" else reason
    hint = _MEMORY if reason == "OOMKilled" else ""
    description = f"pod {name}: {words or reason}" + (f"; last log lines: {tail}" if tail else "")
    return Failure(step=step, error=error, message=description, hint=hint).model_dump_json()


def _pod_end(pod: Json) -> tuple[str, str, str, tuple[str, str]] | None:
    """(end time, name, message, the kubelet's (reason, message) if the pod was killed) of a pod that ended."""
    status = pod.get("status") or {}
    name = str(pod["metadata"]["name"])
    evicted = str(status.get("reason") or ""), str(status.get("message") or "")
    for container in status.get("containerStatuses") or ():
        ended = (container.get("state") or {}).get("terminated")
        if container.get("name") == CONTAINER and ended:
            reason = str(ended.get("reason") or "")
            killed = (reason, f"{reason}, exit code {ended.get('exitCode')}") if reason == "OOMKilled" else evicted
            return str(ended.get("finishedAt") or ""), name, str(ended.get("message") or ""), killed
    return ("", name, "", evicted) if evicted[0] else None
