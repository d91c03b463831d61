"""The labels by which Jobs are watched and observed. They are restored if somebody removes or changes them. Pure.

The pod template of a Job cannot be changed, its own labels can. So the labels of the template are the true ones.
"""

from collections.abc import Mapping
from typing import Any

from reelmill.plan.jobs.build import GROUP, MANAGED_BY, UID

Json = dict[str, Any]
LOST_LABELS = "lostLabels"
"""Field of a trimmed Job whose labels differ from those of its pods."""


def is_labelled(trimmed: Mapping[str, Any]) -> bool:
    """Whether a trimmed Job has the labels with which it was created."""
    return LOST_LABELS not in trimmed


def original_labels(job: Json) -> dict[str, str]:
    """The labels of an untrimmed Job, those of reelmill as they were when it was created."""
    labels = job["metadata"].get("labels") or {}
    return {**labels, **_template_labels(job)}


def lost_labels(job: Json, pipeline: str) -> dict[str, str]:
    """The labels that the pods of an untrimmed Job have and the Job itself no longer has.

    Empty for a Job that does not belong to the pipeline with this UID.
    """
    original = _template_labels(job)
    if original.get(UID) != pipeline:
        return {}
    labels = job["metadata"].get("labels") or {}
    return {name: value for name, value in original.items() if labels.get(name) != value}


def has_lost_labels(job: Json) -> bool:
    """Whether an untrimmed Job no longer has all labels that its pods have."""
    return bool(lost_labels(job, _template_labels(job).get(UID, "")))


def _template_labels(job: Json) -> dict[str, str]:
    """The labels of reelmill on the pods of an untrimmed Job; empty for a Job of others."""
    template = (job.get("spec") or {}).get("template") or {}
    labels: dict[str, str] = (template.get("metadata") or {}).get("labels") or {}
    if UID not in labels:
        return {}
    return {name: value for name, value in labels.items() if name == MANAGED_BY or name.startswith(f"{GROUP}/")}
