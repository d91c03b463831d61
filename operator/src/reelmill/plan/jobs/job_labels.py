"""The labels by which Jobs are watched and observed. They are restored if somebody removes or changes them. Pure."""

from typing import Any

from reelmill.contract.task import STAGELESS
from reelmill.plan.jobs.build import GROUP, KEY, MANAGED_BY, MANAGER, PLACE, RUN, STAGE, STEP, UID

Json = dict[str, Any]
_ALWAYS = (UID, STEP, RUN, KEY, PLACE)


def is_labelled(job: Json) -> bool:
    """Whether a Job has the labels by which it is watched and observed."""
    labels = job["metadata"].get("labels") or {}
    needed = _ALWAYS if labels.get(STEP) in STAGELESS else (*_ALWAYS, STAGE)
    return labels.get(MANAGED_BY) == MANAGER and all(name in labels for name in needed)


def unchanged_labels(job: Json) -> dict[str, str]:
    """The labels of an untrimmed Job, without those of reelmill that differ from the labels of its pods.

    The pod template of a Job cannot be changed, its own labels can.
    """
    labels = job["metadata"].get("labels") or {}
    original = _template_labels(job)
    return {
        name: value
        for name, value in labels.items()
        if not name.startswith(f"{GROUP}/") or original.get(name, value) == value
    }


def lost_labels(job: Json, pipeline: str) -> dict[str, str]:
    """The labels that the pods of an untrimmed Job have and the Job itself no longer has.

    Empty for a Job that does not belong to the pipeline with this UID.
    """
    original = _template_labels(job)
    if original.get(UID) != pipeline:
        return {}
    labels = job["metadata"].get("labels") or {}
    ours = {name: value for name, value in original.items() if name == MANAGED_BY or name.startswith(f"{GROUP}/")}
    return {name: value for name, value in ours.items() if labels.get(name) != value}


def _template_labels(job: Json) -> dict[str, str]:
    template = (job.get("spec") or {}).get("template") or {}
    return (template.get("metadata") or {}).get("labels") or {}
