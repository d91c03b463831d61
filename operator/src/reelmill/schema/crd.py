"""The CustomResourceDefinition."""

from typing import Any

from reelmill.contract.spec.pipeline import API_VERSION, KIND, Spec, VideoPipeline
from reelmill.schema import rules
from reelmill.schema.inline import Schema, tree
from reelmill.schema.structural import PRESERVE, structural

GROUP, _, VERSION = API_VERSION.partition("/")
PLURAL = "videopipelines"
VALIDATIONS = "x-kubernetes-validations"

COLUMNS = [
    {"name": "Phase", "type": "string", "jsonPath": ".status.phase"},
    {"name": "Stage", "type": "string", "jsonPath": ".status.activeStage"},
    {"name": "Progress", "type": "string", "jsonPath": ".status.progress"},
    {"name": "Failed", "type": "integer", "jsonPath": ".status.failed"},
    {"name": "Reason", "type": "string", "priority": 1, "jsonPath": ".status.conditions[?(@.type=='Ready')].reason"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]


def crd() -> dict[str, Any]:
    """The definition as a dict, ready to be written as YAML."""
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
    spec["properties"]["sources"]["items"][VALIDATIONS] = rules.SOURCE
    spec["properties"]["stages"]["items"][VALIDATIONS] = rules.STAGE
    return {
        "type": "object",
        "description": VideoPipeline.__doc__,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": {"type": "object", "description": "What the operator sees; written by it alone.", PRESERVE: True},
        },
        VALIDATIONS: rules.ROOT,
    }
