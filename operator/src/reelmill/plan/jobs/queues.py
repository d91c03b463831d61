"""Queues: fields of a Job and its pods for Kueue, Volcano or YuniKorn, following the documentation of each.

Kueue controls `suspend` of a Job, so reelmill does not set it for a pipeline with a queue. The other two are
schedulers, which hold pods back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reelmill.contract.spec.pipeline import Spec
from reelmill.plan.settings import PodExtras, QueueSystem

KUEUE_QUEUE = "kueue.x-k8s.io/queue-name"
VOLCANO_QUEUE = "scheduling.volcano.sh/queue-name"
YUNIKORN_QUEUE, YUNIKORN_APPLICATION = "yunikorn.apache.org/queue", "yunikorn.apache.org/app-id"


@dataclass(frozen=True, slots=True)
class Queueing:
    """Labels, annotations and scheduler of a Job with its pods."""

    job_labels: Mapping[str, str] = field(default_factory=dict)
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    pod_annotations: Mapping[str, str] = field(default_factory=dict)
    scheduler: str = ""


def is_held(spec: Spec, extras: PodExtras) -> bool:
    """Whether a queue, and not the operator, decides when a Job is suspended."""
    return spec.queue is not None and extras.queue_system is QueueSystem.KUEUE


def queueing(spec: Spec, extras: PodExtras, application: str) -> Queueing:
    """The fields for a queued Job; empty without a queue. `application` is a unique name of its pipeline."""
    if spec.queue is None:
        return Queueing()
    name = spec.queue.name
    match extras.queue_system:
        case QueueSystem.KUEUE:
            return Queueing(job_labels={KUEUE_QUEUE: name})
        case QueueSystem.VOLCANO:
            return Queueing(pod_annotations={VOLCANO_QUEUE: name}, scheduler="volcano")
        case QueueSystem.YUNIKORN:
            # YuniKorn's users see applications, so the application is the pipeline.
            labels = {YUNIKORN_QUEUE: f"root.{name}", YUNIKORN_APPLICATION: application}
            return Queueing(pod_labels=labels, scheduler="yunikorn")
