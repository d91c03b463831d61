"""Additions of the operator's policy to every pod: limits that the pipeline does not set, and the allowed nodes."""

from typing import Any

from reelmill.contract.policy.model import Policy
from reelmill.contract.spec.placement import Control, Placement, Resources
from reelmill.plan.jobs.placement import with_node_terms


def bounded(place: Placement, policy: Policy) -> Placement:
    """A pod's placement with the policy's limits of memory and scratch if the pipeline does not set them."""
    most = policy.max_resources or {}
    resources = place.resources or Resources()
    if (memory := most.get("memory")) and "memory" not in {**resources.requests, **resources.limits}:
        place = place.replace(resources=resources.replace(limits={**resources.limits, "memory": memory}))
    if (scratch := most.get("ephemeral-storage")) and not place.scratch:
        place = place.replace(scratch=scratch)
    return place


def on_allowed_nodes(fields: dict[str, Any], policy: Policy) -> dict[str, Any]:
    """Fields of a pod spec with a required node affinity for the labels in the policy."""
    terms = [
        {"key": label, "operator": "In", "values": list(values)}
        for label, values in (policy.allowed_nodes or {}).items()
    ]
    return {**fields, "affinity": with_node_terms(fields.get("affinity") or {}, terms)} if terms else fields


def bounded_control(control: Control, policy: Policy) -> Control:
    """Like `bounded`, for pods that do not process items."""
    resources = bounded(Placement(resources=control.resources), policy).resources
    return control.replace(resources=resources) if resources else control


def fields_changing_pods(policy: Policy) -> list[dict[str, Any]]:
    """The part of a policy that changes pods, in JSON form; empty if it changes none."""
    fields = policy.model_dump(mode="json", include={"allowed_nodes", "max_resources"}, exclude_none=True)
    return [fields] if fields else []
