"""The operator's policy as a ValidatingAdmissionPolicy, which rejects a pipeline when it is applied.

The rules are those of `reelmill.contract.policy`, in CEL. Their bounds are in a ConfigMap, which is the parameter:
patterns as one regular expression for each field, other lists separated by commas. An absent key restricts nothing.
Only changes of the spec are checked, so that metadata of previously accepted pipelines (finalizers, requests) can be
written.
"""

from collections.abc import Mapping
from typing import Any

from reelmill.contract.model import camel
from reelmill.contract.policy.model import Policy, expression
from reelmill.contract.policy.rules import AUTO_SHARDS, EVERY_TAINT, NAMES, NO_QUEUE
from reelmill.contract.spec.pipeline import StageSpec
from reelmill.contract.spec.placement import Control, GpuRequest
from reelmill.schema.admission_servers import SERVER_LISTS, SERVER_VARIABLES
from reelmill.schema.crd import GROUP, PLURAL

API = "admissionregistration.k8s.io/v1"


_GPU, _STAGE = GpuRequest.model_fields, StageSpec.model_fields
_CONTROL = [f"{name}={amount}" for name, amount in Control().resources.requests.items()]


def _per_place(names: str, places: str = "variables.places") -> str:
    """A list of names for each place `p` in the defaults and the stages."""
    return f"{places}.map(p, {names})"


NAMED: Mapping[str, str] = {
    "allowed_images": _per_place("[p.?image.orValue(''), p.?run.?image.orValue('')]"),
    "allowed_service_accounts": _per_place("[p.?serviceAccountName.orValue('')]"),
    "allowed_secrets": (
        "[[object.spec.store.?secretRef.?name.orValue('')]]"
        " + [object.spec.sources.map(s, s.?s3.?secretRef.?name.orValue(''))] + "
        + _per_place(
            "p.?env.orValue([]).map(v, v.?secretRef.?name.orValue('')) + p.?imagePullSecrets.orValue([]).map(s, s.name)"
        )
    ),
    "allowed_servers": SERVER_LISTS,
    "allowed_variables": _per_place("p.?env.orValue([]).map(v, v.name)"),
    "allowed_priority_classes": (
        "[[object.spec.?verify.?priorityClassName.orValue('')]] + " + _per_place("[p.?priorityClassName.orValue('')]")
    ),
    "allowed_runtime_classes": _per_place("[p.?runtimeClassName.orValue('')]"),
    "allowed_tolerations": _per_place(
        f"p.?tolerations.orValue([]).map(t, t.?key.orValue('') == '' ? '{EVERY_TAINT}' : t.key)", "variables.pods"
    ),
    "allowed_queues": f"[[object.spec.?queue.?name.orValue('{NO_QUEUE}')]]",
}
"""Field of the policy -> lists of the names that a pipeline requests; empty names are ignored."""

_AMOUNTS = _per_place(
    "p.?resources.?requests.orValue({}).map(k, k + '=' + string(p.resources.requests[k]))"
    " + p.?resources.?limits.orValue({}).map(k, k + '=' + string(p.resources.limits[k]))"
    " + (p.?resources.?memoryMax.hasValue() ? ['memory=' + string(p.resources.memoryMax)] : [])"
    f" + (has(p.gpu) ? [p.gpu.?resource.orValue('{_GPU['resource'].default}') + '='"
    f" + string(p.gpu.?count.orValue({_GPU['count'].default}))] : [])"
    " + (has(p.scratch) ? ['ephemeral-storage=' + string(p.scratch)] : [])",
    "variables.pods",
)
_PARALLELISM = f"s.?parallelism.orValue({_STAGE['parallelism'].default})"
_SHARDS = f"(string(s.?shards.orValue('auto')) == 'auto' ? {AUTO_SHARDS} : int(s.shards))"

OTHERS: Mapping[str, str] = {
    "allowed_nodes": _per_place(
        "p.?nodeSelector.orValue({}).map(k, k + '=' + p.nodeSelector[k])"
        ".filter(n, n.split('=')[0].matches(params.data.nodeLabels) && !n.matches(params.data.allowedNodes))",
        "variables.pods",
    ),
    "refused_fields": _per_place("params.data.refusedFields.split(',').filter(f, f in p)", "variables.pods"),
    "max_resources": (
        f"({_AMOUNTS} + [has(object.spec.control) && has(object.spec.control.resources) ? [] : {_CONTROL}])"
        ".map(a, a.filter(n, params.data.maxResources.split(',').exists(m, m.split('=')[0] == n.split('=')[0]"
        " && quantity(n.split('=')[1]).isGreaterThan(quantity(m.split('=')[1])))))"
    ),
    "max_parallelism": (
        f"[object.spec.stages.filter(s, {_PARALLELISM} > int(params.data.maxParallelism)).map(s, s.name)]"
    ),
    "max_pods": (
        f"[object.spec.stages.map(s, {_PARALLELISM}).sum() > int(params.data.maxPods) ? ['all stages together'] : []]"
    ),
    "max_shards": f"[object.spec.stages.filter(s, {_SHARDS} > int(params.data.maxShards)).map(s, s.name)]",
}
"""Field of the policy -> lists of requests that exceed it."""

WORDS = {
    **{rule.field: f"the {rule.what}" for rule in NAMES},
    "allowed_nodes": "nodes with",
    "refused_fields": "setting",
    "max_resources": "so much of a resource:",
    "max_parallelism": "so many pods at a time of",
    "max_pods": "so many pods at a time of",
    "max_shards": "so many shards of",
}


def admission_policy(name: str) -> dict[str, Any]:
    """The ValidatingAdmissionPolicy."""
    fields = {
        field: f"({lists}).map(a, a.filter(n, n != '' && !n.matches(params.data.{camel(field)})))"
        for field, lists in NAMED.items()
    } | dict(OTHERS)
    control = "(has(object.spec.control) ? [object.spec.control] : [])"
    return {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [GROUP],
                        "apiVersions": ["*"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": [PLURAL],
                    }
                ]
            },
            "matchConditions": [
                {
                    "name": "the-spec-is-new",
                    "expression": "request.operation == 'CREATE' || object.spec != oldObject.spec",
                }
            ],
            "variables": [
                {
                    "name": "places",
                    "expression": "(has(object.spec.defaults) ? [object.spec.defaults] : []) + object.spec.stages",
                },
                {"name": "pods", "expression": f"variables.places + {control}"},
                *({"name": name, "expression": expression} for name, expression in SERVER_VARIABLES.items()),
                *({"name": camel(field), "expression": _text(field, lists)} for field, lists in fields.items()),
            ],
            "validations": [
                {
                    "expression": f"variables.{camel(field)} == ''",
                    "messageExpression": (
                        f"'the policy of the reelmill operator does not allow {WORDS[field]} ' + "
                        f"variables.{camel(field)} + ' (policy.{camel(field)})'"
                    ),
                    "message": f"the policy of the reelmill operator does not allow it (policy.{camel(field)})",
                    "reason": "Forbidden",
                }
                for field in fields
            ],
        },
    }


def binding(name: str, namespace: str) -> dict[str, Any]:
    """The binding of the policy to its ConfigMap, which has the same name, for all namespaces."""
    return {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "paramRef": {"name": name, "namespace": namespace, "parameterNotFoundAction": "Deny"},
            "validationActions": ["Deny"],
        },
    }


def parameters(policy: Policy) -> dict[str, str]:
    """The `data` of the ConfigMap for a policy."""
    data: dict[str, str] = {}
    for rule in NAMES:
        patterns = rule.patterns(policy)
        if patterns is not None:
            data[camel(rule.field)] = expression(patterns)
    if policy.allowed_nodes is not None:
        nodes = sorted(policy.allowed_nodes.items())
        pairs = [f"{label}={value}" for label, values in nodes for value in values]
        data["nodeLabels"] = expression([label for label, _ in nodes])
        data["allowedNodes"] = expression(pairs)
    if policy.refused_fields:
        data["refusedFields"] = ",".join(policy.refused_fields)
    if policy.max_resources is not None:
        data["maxResources"] = ",".join(f"{name}={amount}" for name, amount in sorted(policy.max_resources.items()))
    for field in ("max_parallelism", "max_pods", "max_shards"):
        if (most := getattr(policy, field)) is not None:
            data[camel(field)] = str(most)
    return data


def _text(field: str, lists: str) -> str:
    """The offending names of a field, separated by commas; empty if the field restricts nothing."""
    restricts = f"has(params.data) && '{camel(field)}' in params.data"
    return f"!({restricts}) ? '' : ({lists}).map(a, a.join(', ')).filter(s, s != '').join(', ')"
