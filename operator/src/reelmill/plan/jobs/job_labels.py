"""The labels by which Jobs are watched and observed. They are restored if somebody removes or changes them. Pure."""

from typing import Any

from reelmill.plan.jobs.build import GROUP, KEY, MANAGED_BY, MANAGER, PLACE, RUN, STEP, UID

Json = dict[str, Any]
_ALWAYS = (UID, STEP, RUN, KEY, PLACE)


def is_labelled(job: Json) -> bool:
    """Whether a Job has the labels by which it is watched and observed."""
    labels = job["metadata"].get("labels") or {}
    return labels.get(MANAGED_BY) == MANAGER and all(name in labels for name in _ALWAYS)


def lost_labels(job: Json, pipeline: str) -> dict[str, str]:
    """The labels that the pods of an untrimmed Job have and the Job itself no longer has.

    Empty for a Job that does not belong to the pipeline with this UID.
    """
    given = ((job["spec"].get("template") or {}).get("metadata") or {}).get("labels") or {}
    if given.get(UID) != pipeline:
        return {}
    labels = job["metadata"].get("labels") or {}
    ours = {name: value for name, value in given.items() if name == MANAGED_BY or name.startswith(f"{GROUP}/")}
    return {name: value for name, value in ours.items() if labels.get(name) != value}
