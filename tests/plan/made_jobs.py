"""The Jobs of a pipeline of one stage, and what is in their pods."""

from typing import Any

from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

STORE = {"uri": "s3://out/demo", "endpoint": "http://s3:9000", "secretRef": {"name": "store-keys"}}

CLIPS: dict[str, Any] = {"name": "clips", "clip": {"by": "length"}, "shards": 4, "parallelism": 3}


def jobs(stage: dict[str, Any], **spec: Any) -> dict[str, dict[str, Any]]:
    """The first Job of each step."""
    made = SimulatedCluster.in_three_steps(
        pipeline([CLIPS | stage], **{"store": STORE, **spec}),
        SymbolicStore(bucket={"raw": [f"v{n}" for n in range(8)]}),
    )
    made.settle()
    return {job["metadata"]["labels"]["reelmill.dev/step"]: job for job in reversed(made.jobs.values())}


def pod(job: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = job["spec"]["template"]["spec"]
    return spec


def container(job: dict[str, Any]) -> dict[str, Any]:
    (found,) = pod(job)["containers"]
    assert isinstance(found, dict)
    return found
