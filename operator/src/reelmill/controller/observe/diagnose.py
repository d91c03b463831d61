"""Why a Job's pods do not run: the scheduler's, the kubelet's and the Job controller's words, as one reason and one
sentence. Pure: pods come in as raw dicts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reelmill.contract.conditions import ConditionReason
from reelmill.plan.jobs.pod import CONTAINER

Json = Mapping[str, Any]
_IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
_CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
SLOW_SECONDS = 60.0
"""How long a pod may be about to start before that is worth a word."""
BARREN_SECONDS = 30.0
"""How long a Job may be without any pod."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A reason and a sentence with the way out."""

    reason: ConditionReason
    message: str


def diagnose(job: Json, pods: Iterable[Json], age: float) -> Diagnosis | None:
    """What keeps a Job from running. `pods` are those that are pending; `age` is the Job's, in seconds.

    It says the same for as long as nothing changes, in whatever order pods are listed: each new word is a write.
    """
    pending = sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))
    found = [diagnosis for pod in pending for diagnosis in _pod(pod, age)]
    if found:
        return min(found, key=lambda diagnosis: _ORDER.index(diagnosis.reason))
    status, name = job.get("status") or {}, job["metadata"]["name"]
    if not pending and not status.get("active") and not status.get("succeeded") and age >= BARREN_SECONDS:
        if failed := status.get("failed"):
            return Diagnosis(
                ConditionReason.BACK_OFF,
                f"{failed} pods of {name} failed; the next one starts after a pause that grows; their logs tell why",
            )
        return Diagnosis(
            ConditionReason.NO_PODS,
            "no pod could be created: a quota, an admission policy, or a service account that does not exist; "
            f"kubectl describe job {name} tells",
        )
    return None


_ORDER = (
    ConditionReason.SECRET_MISSING,
    ConditionReason.POD_CONFIG,
    ConditionReason.IMAGE_PULL,
    ConditionReason.UNSCHEDULABLE,
    ConditionReason.SCHEDULING_GATED,
    ConditionReason.POD_STARTING,
)


def _pod(pod: Json, age: float) -> Iterator[Diagnosis]:
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
            yield _with_remedy(ConditionReason.IMAGE_PULL, f"{_image(pod)}: {reason}: {message}")
        elif reason in _CONFIG and "secret" in message and "not found" in message:
            yield _with_remedy(ConditionReason.SECRET_MISSING, message)
        elif reason in _CONFIG:
            yield Diagnosis(ConditionReason.POD_CONFIG, f"{reason}: {message}")
    if age >= SLOW_SECONDS and (not status.get("containerStatuses") or waiting):
        name = pod["metadata"]["name"]
        yield Diagnosis(
            ConditionReason.POD_STARTING, f"{name} has not started for over a minute; kubectl describe pod {name} tells"
        )


def _with_remedy(reason: ConditionReason, words: str) -> Diagnosis:
    return Diagnosis(reason, f"{words}; {reason.remedy}")


def _image(pod: Json) -> str:
    containers = (pod.get("spec") or {}).get("containers") or ()
    return next((str(container.get("image")) for container in containers if container.get("name") == CONTAINER), "")
