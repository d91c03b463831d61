"""Why the pods of a Job do not run, from the messages of the scheduler, the kubelet and the Job controller.

Pure: pods are passed as raw dicts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reelmill.contract.conditions import ConditionReason
from reelmill.contract.text.quantities import count_of
from reelmill.plan.jobs.job_labels import is_labelled
from reelmill.plan.jobs.pod import CONTAINER

Json = Mapping[str, Any]
_IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
_CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
SLOW_SECONDS = 60.0
"""Seconds after which a pod that has not started is reported."""
BARREN_SECONDS = 30.0
"""Seconds after which a Job without any pod is reported."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A reason and a message with a remedy."""

    reason: ConditionReason
    message: str


def diagnose(job: Json, pods: Iterable[Json], age: float) -> Diagnosis | None:
    """What prevents a Job from running, or None. `pods` are its pending pods; `age` is its age in seconds.

    The result does not depend on the order of pods and is stable while nothing changes, because every difference
    causes a write.
    """
    pending = sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))
    found = [diagnosis for pod in pending for diagnosis in _pod_diagnoses(pod, age)]
    if found:
        return min(found, key=lambda diagnosis: _ORDER.index(diagnosis.reason))
    status, name = job.get("status") or {}, job["metadata"]["name"]
    if not pending and not status.get("active") and not status.get("succeeded") and age >= BARREN_SECONDS:
        if failed := status.get("failed"):
            return Diagnosis(
                ConditionReason.BACK_OFF,
                f"{count_of(failed, 'pod')} of {name} failed; the next one starts after a growing delay; "
                "see their logs",
            )
        return Diagnosis(
            ConditionReason.NO_PODS,
            "no pod could be created: possibly a quota, an admission policy, or a missing service account; see "
            f"kubectl describe job {name}",
        )
    return None


def unlabelled_jobs(jobs: Iterable[Json]) -> dict[str, Diagnosis]:
    """Return the trimmed Jobs whose labels cannot be restored, by name."""
    reason = ConditionReason.LABELS_REMOVED
    return {
        name: _with_remedy(reason, f"something removes or changes the labels of Job {name} whenever they are restored")
        for job in jobs
        if not is_labelled(job) and (name := str(job["metadata"]["name"]))
    }


_ORDER = (
    ConditionReason.SECRET_MISSING,
    ConditionReason.POD_CONFIG,
    ConditionReason.IMAGE_PULL,
    ConditionReason.UNSCHEDULABLE,
    ConditionReason.SCHEDULING_GATED,
    ConditionReason.POD_STARTING,
)


def _pod_diagnoses(pod: Json, age: float) -> Iterator[Diagnosis]:
    status = pod.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            gated = condition.get("reason") == "SchedulingGated"
            why = ConditionReason.SCHEDULING_GATED if gated else ConditionReason.UNSCHEDULABLE
            yield Diagnosis(why, str(condition.get("message") or ""))
            return
    waiting = [
        state
        for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
        if (state := (container.get("state") or {}).get("waiting"))
    ]
    for state in waiting:
        reason, message = str(state.get("reason") or ""), str(state.get("message") or "")
        if reason in _IMAGE:
            yield _with_remedy(ConditionReason.IMAGE_PULL, f"{_image_of(pod)}: {reason}: {message}")
        elif reason in _CONFIG and "secret" in message and "not found" in message:
            yield _with_remedy(ConditionReason.SECRET_MISSING, message)
        elif reason in _CONFIG:
            yield Diagnosis(ConditionReason.POD_CONFIG, f"{reason}: {message}")
    if age >= SLOW_SECONDS and (not status.get("containerStatuses") or waiting):
        name = pod["metadata"]["name"]
        message = f"{name} has not started for more than a minute; see kubectl describe pod {name}"
        yield Diagnosis(ConditionReason.POD_STARTING, message)


def _with_remedy(reason: ConditionReason, words: str) -> Diagnosis:
    return Diagnosis(reason, f"{words}; {reason.remedy}")


def _image_of(pod: Json) -> str:
    containers = (pod.get("spec") or {}).get("containers") or ()
    return next((str(container.get("image")) for container in containers if container.get("name") == CONTAINER), "")
