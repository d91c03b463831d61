"""Placement of pods: the stage's fields merged with the pipeline's defaults, as parts of a pod spec."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from reelmill.contract.gpus import nvdec
from reelmill.contract.spec.placement import Control, EnvVar, GpuRequest, Placement, Resources
from reelmill.contract.spending import Prices

_SPOT: tuple[dict[str, str], ...] = (
    {"key": "cloud.google.com/gke-spot", "operator": "Exists"},
    {"key": "cloud.google.com/gke-preemptible", "operator": "Exists"},
    {"key": "kubernetes.azure.com/scalesetpriority", "operator": "Equal", "value": "spot"},
    {"key": "eks.amazonaws.com/capacityType", "operator": "Equal", "value": "SPOT"},
    {"key": "karpenter.sh/capacity-type", "operator": "Equal", "value": "spot"},
    {"key": "node-role.kubernetes.io/spot", "operator": "Exists"},
    {"key": "spot", "operator": "Exists"},
)
"""Taints of clouds and autoscalers on spot and preemptible nodes."""

_MIB = 2**20
_PRODUCT = "nvidia.com/gpu.product"
_MEMORY = "nvidia.com/gpu.memory"
_MAJOR, _MINOR = "nvidia.com/gpu.compute.major", "nvidia.com/gpu.compute.minor"
_UNITS = {
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("m", "", "k", "M", "G", "T", "P"), start=-1)},
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi"), start=1)},
}


def merged(defaults: Placement, stage: Placement) -> Placement:
    """The defaults overridden by the stage. Node labels and variables are merged by name, other fields replaced."""
    fields = {name: getattr(stage, name) for name in Placement.model_fields if name in stage.model_fields_set}
    fields["node_selector"] = {**defaults.node_selector, **stage.node_selector}
    own = {variable.name for variable in stage.env}
    fields["env"] = [*(variable for variable in defaults.env if variable.name not in own), *stage.env]
    return Placement.model_validate({**{name: getattr(defaults, name) for name in Placement.model_fields}, **fields})


def work_pod(place: Placement) -> dict[str, Any]:
    """Pod spec fields of shard pods: selectors, tolerations, affinity, classes, claims."""
    tolerations = [_as_json(toleration) for toleration in place.tolerations]
    affinity = place.affinity or {}
    if place.gpu:
        tolerations.append({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"})
        if place.gpu.spot:
            tolerations += [dict(toleration) for toleration in _SPOT]
        affinity = with_node_terms(affinity, *_gpu_choices(place.gpu))
    return _without_empty(
        nodeSelector=dict(place.node_selector),
        tolerations=tolerations,
        affinity=affinity,
        priorityClassName=place.priority_class_name,
        runtimeClassName=place.runtime_class_name,
        resourceClaims=[_as_json(claim) for claim in place.resource_claims],
    )


def work_resources(place: Placement, memory: str = "") -> dict[str, Any]:
    """Container resources of shard pods; `memory` overrides that of the placement. The memory limit defaults to the
    request.
    """
    requests = dict(place.resources.requests) if place.resources else {}
    limits = dict(place.resources.limits) if place.resources else {}
    if memory:
        requests["memory"] = limits["memory"] = memory
    if "memory" in requests:
        limits.setdefault("memory", requests["memory"])
    if place.gpu:
        limits[place.gpu.resource] = str(place.gpu.count)
    claims = [{"name": claim.name} for claim in place.resource_claims]
    return _without_empty(requests=requests, limits=limits, claims=claims)


def more_memory(place: Placement, memory: str, *, last: bool) -> str:
    """The memory for the next attempt after pods with `memory` (empty: the placement's) were killed for lack of it:
    twice as much, or the maximum for the last attempt; `memory` if that is reached or no maximum is set.
    """
    present, most = memory_of(place, memory), most_memory(place)
    if present is None or most is None or present >= most:
        return memory
    return f"{(most if last else min(2 * present, most)) // _MIB}Mi"


def memory_of(place: Placement, memory: str = "") -> int | None:
    """Memory limit in bytes of a pod with `memory` (empty: the placement's), in whole MiB; None: no limit."""
    resources = place.resources or Resources()
    quantity = memory or resources.limits.get("memory") or resources.requests.get("memory")
    return _whole_mebibytes(quantity) if quantity else None


def most_memory(place: Placement) -> int | None:
    """Maximum memory in bytes of pods of later attempts, in whole MiB; None: the same as for all attempts."""
    resources = place.resources
    return _whole_mebibytes(resources.memory_max) if resources and resources.memory_max else None


def control_pod(control: Control) -> dict[str, Any]:
    """Pod spec fields of survey, open and commit pods."""
    return _without_empty(
        nodeSelector=dict(control.node_selector),
        tolerations=[_as_json(toleration) for toleration in control.tolerations],
    )


def control_resources(control: Control) -> dict[str, Any]:
    """Container resources of survey, open and commit pods."""
    return work_resources(Placement(resources=control.resources))


def environment(variables: list[EnvVar]) -> list[dict[str, Any]]:
    """The user's environment variables; Secrets are referenced."""
    return [
        {"name": variable.name, "value": variable.value or ""}
        if variable.secret_ref is None
        else {
            "name": variable.name,
            "valueFrom": {"secretKeyRef": {"name": variable.secret_ref.name, "key": variable.key or variable.name}},
        }
        for variable in variables
    ]


def hour_price(prices: Prices, place: Placement, memory: str = "") -> float:
    """The price of an hour of a pod, by its requests, or of one CPU if it requests nothing; `memory` overrides that of
    the placement.
    """
    resources = work_resources(place, memory)
    requests = {**resources.get("limits", {}), **resources.get("requests", {})}
    gpu = place.gpu or GpuRequest()
    return _hour_price_of(prices, requests, gpu.resource, gpu.products)


def pod_price(prices: Prices, job: Mapping[str, Any]) -> float:
    """The price of an hour of a pod of an existing Job, without the spec that it was made from."""
    pod: Mapping[str, Any] = job.get("spec", {}).get("template", {}).get("spec", {})
    containers: Sequence[Mapping[str, Any]] = pod.get("containers", ())
    resources = containers[0].get("resources", {}) if containers else {}
    requests = {**resources.get("limits", {}), **resources.get("requests", {})}
    gpu = next((name for name in requests if "/" in name), GpuRequest().resource)
    required = pod.get("affinity", {}).get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution", {})
    products = [
        value
        for term in required.get("nodeSelectorTerms", ())
        for wanted in term.get("matchExpressions", ())
        if wanted.get("key") == _PRODUCT
        for value in wanted.get("values", ())
    ]
    return _hour_price_of(prices, requests, gpu, list(dict.fromkeys(products)))


def _hour_price_of(prices: Prices, requests: Mapping[str, str], gpu: str, products: list[str]) -> float:
    cpus = float(amount(requests.get("cpu", "1")))
    gib = float(amount(requests.get("memory", "0"))) / 2**30
    return (
        cpus * prices.cpu_hour + gib * prices.gib_hour + float(amount(requests.get(gpu, "0"))) * prices.of_gpu(products)
    )


def amount(quantity: str) -> Decimal:
    """A Kubernetes quantity as a number: `500m` is 0.5, `1Ki` is 1024."""
    number = quantity.rstrip("kKMGTPim")
    return Decimal(number) * _UNITS[quantity[len(number) :]]


def _gpu_choices(gpu: GpuRequest) -> list[list[dict[str, Any]]]:
    """Alternative node selector terms for nodes with such GPUs; none: any node."""
    terms: list[dict[str, Any]] = []
    if gpu.products:
        terms.append({"key": _PRODUCT, "operator": "In", "values": list(gpu.products)})
    if gpu.min_memory:
        terms.append({"key": _MEMORY, "operator": "Gt", "values": [str(_mebibytes(gpu.min_memory) - 1)]})
    if not gpu.decodes:
        return [terms] if terms else []
    minors: dict[str, list[str]] = {}
    for capability in nvdec.capabilities(gpu.decodes):
        major, _, minor = capability.partition(".")
        minors.setdefault(major, []).append(minor)
    return [
        [
            *terms,
            {"key": _MAJOR, "operator": "In", "values": [major]},
            {"key": _MINOR, "operator": "In", "values": sorted(found)},
        ]
        for major, found in sorted(minors.items(), key=lambda pair: int(pair[0]))
    ]


def _mebibytes(quantity: str) -> int:
    return int(amount(quantity) / _MIB)


def _whole_mebibytes(quantity: str) -> int:
    return _mebibytes(quantity) * _MIB


def with_node_terms(affinity: Mapping[str, Any], *choices: list[dict[str, Any]]) -> dict[str, Any]:
    """The user's affinity, with the terms of `choices` added to every alternative of its required node affinity: one
    alternative for each pair.

    An affinity of another form is returned unchanged; the API server then rejects the Job with an error message.
    """
    if not choices:
        return dict(affinity)
    try:
        node = dict(affinity.get("nodeAffinity") or {})
        required = node.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
        alternatives = [dict(alternative or {}) for alternative in required.get("nodeSelectorTerms") or [{}]]
        node["requiredDuringSchedulingIgnoredDuringExecution"] = {
            "nodeSelectorTerms": [
                {**alternative, "matchExpressions": [*(alternative.get("matchExpressions") or []), *terms]}
                for alternative in alternatives
                for terms in choices
            ]
        }
    except (AttributeError, TypeError, ValueError):
        return dict(affinity)
    return {**affinity, "nodeAffinity": node}


def _as_json(model: Any) -> dict[str, Any]:
    wire: dict[str, Any] = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return wire


def _without_empty(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
