"""The CustomResourceDefinition."""

from typing import Any

from reelmill.contract.spec.pipeline import API_VERSION, KIND, Spec, VideoPipeline
from reelmill.contract.status import Status
from reelmill.schema import rules
from reelmill.schema.inline import Schema, tree
from reelmill.schema.structural import structural

GROUP, _, VERSION = API_VERSION.partition("/")
PLURAL = "videopipelines"
VALIDATIONS = "x-kubernetes-validations"

COLUMNS = [
    {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].status"},
    {"name": "Stage", "type": "string", "jsonPath": ".status.active"},
    {"name": "Shards", "type": "string", "jsonPath": ".status.shards"},
    {"name": "Failed", "type": "integer", "jsonPath": ".status.failed"},
    {"name": "Queue", "type": "string", "priority": 1, "jsonPath": ".spec.queue.name"},
    {"name": "Items", "type": "integer", "priority": 1, "jsonPath": ".status.stages[-1:].items"},
    {"name": "Reason", "type": "string", "priority": 1, "jsonPath": ".status.conditions[?(@.type=='Ready')].reason"},
    {"name": "Message", "type": "string", "priority": 1, "jsonPath": ".status.conditions[?(@.type=='Ready')].message"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]
"""Columns of `kubectl get`; those with priority 1 are shown only with `-o wide`. Items are those of the last stage."""


def crd() -> dict[str, Any]:
    """The CustomResourceDefinition as a dict."""
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": COLUMNS,
        "schema": {"openAPIV3Schema": _schema()},
    }
    names = {
        "kind": KIND,
        "listKind": f"{KIND}List",
        "plural": PLURAL,
        "singular": KIND.lower(),
        "shortNames": ["vp"],
        "categories": ["reelmill"],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def _schema() -> Schema:
    spec = structural(tree(Spec))
    spec[VALIDATIONS] = rules.SPEC
    stage = spec["properties"]["stages"]["items"]
    spec["properties"]["sources"]["items"][VALIDATIONS] = rules.SOURCE
    stage[VALIDATIONS] = rules.STAGE
    for place in (spec["properties"]["defaults"], stage):
        place["properties"]["env"]["items"][VALIDATIONS] = rules.ENV_VAR
    return {
        "type": "object",
        "description": VideoPipeline.__doc__,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": _status(),
        },
        VALIDATIONS: rules.ROOT,
    }


def _status() -> Schema:
    """The schema of the status, without bounds: no CEL rule refers to it, and the planner limits its size."""
    status = structural(tree(Status))
    conditions = status["properties"]["conditions"]
    conditions |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    return status
