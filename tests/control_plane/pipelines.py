"""Pipelines whose pods a symbolic kubelet runs, and what tests ask about them."""

import json
from dataclasses import dataclass
from typing import Any

from cluster.client import Client
from control_plane.symbolic_kubelet import NOWHERE, SymbolicKubelet
from reelmill.contract.status import Status

KIND = "VideoPipeline"
Json = dict[str, Any]


def resource(name: str = "demo", stages: list[Json] | None = None, **spec: Any) -> Json:
    """A pipeline over the source `raw`: clips, then samples, unless the stages say otherwise."""
    return {
        "apiVersion": "reelmill.dev/v1alpha1",
        "kind": KIND,
        "metadata": {"name": name},
        "spec": {
            "store": {"uri": "s3://out/demo"},
            "defaults": {"nodeSelector": NOWHERE},
            "control": {"nodeSelector": NOWHERE},
            "sources": [{"name": "raw", "files": {"uri": "s3://in/videos/"}}],
            "stages": stages
            or [
                {"name": "clips", "clip": {"by": "length"}, "shards": 3, "parallelism": 3},
                {"name": "samples", "frames": {}, "shards": 2, "parallelism": 2},
            ],
            **spec,
        },
    }


SMALL: list[Json] = [
    {"name": "clips", "clip": {"by": "length"}, "shards": 1},
    {"name": "samples", "frames": {}, "shards": 1},
]
"""Stages whose passes are each done by one pod."""


@dataclass
class Desk:
    """One namespace with a symbolic kubelet and what is asked of it."""

    client: Client
    namespace: str
    kubelet: SymbolicKubelet

    def apply(self, document: Json) -> Json:
        return self.client.apply(document, self.namespace)[0]

    def get(self, name: str = "demo") -> Json:
        return self.client.get(KIND, name, self.namespace)

    def status(self, name: str = "demo") -> Status:
        return Status.model_validate(self.get(name).get("status") or {})

    def wait_for(self, condition: str, name: str = "demo", seconds: float = 60) -> Json:
        what = f"{name} to be {condition}"
        return self.client.wait_for(KIND, name, self.namespace, lambda found: holds(found, condition), seconds, what)

    def jobs(self) -> list[Json]:
        return self.client.list("batch/v1/Job", self.namespace)

    def edit(self, patch: Json, name: str = "demo") -> Json:
        return self.client.patch(KIND, name, patch, self.namespace)


def holds(found: Json, condition: str) -> bool:
    """Whether a condition is True, and about the resource as it is."""
    generation = found["metadata"]["generation"]
    return any(
        each["type"] == condition
        and each["status"] == "True"
        and each.get("observedGeneration", generation) == generation
        for each in (found.get("status") or {}).get("conditions") or ()
    )


def steps(names: list[str] | dict[str, str]) -> list[str]:
    """Job names without hashes and run numbers: `demo-clips-o`, sorted."""
    parts = [name.split("-") for name in names]
    return sorted("-".join((*part[:-2], part[-1].rstrip("0123456789"))) for part in parts)


def size(found: Json) -> int:
    return len(json.dumps(found["status"]))
