"""One pipeline over two kinds of nodes: each stage's shards go where it says, everything else stays off the GPUs."""

from typing import Any

from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

GPU = "nvidia.com/gpu"


def test_000_f19_clips_are_cut_on_cpu_nodes_and_samples_are_made_on_gpu_nodes() -> None:
    stages: list[dict[str, Any]] = [
        {"name": "clips", "clip": {"by": "length"}, "nodeSelector": {"pool": "cpu"}, "shards": 2},
        {"name": "samples", "frames": {}, "gpu": {"count": 1, "products": ["NVIDIA-L4"]}, "shards": 2},
    ]
    cluster = SimulatedCluster(pipeline(stages), SymbolicStore(bucket={"raw": ["a", "b"]}))
    cluster.settle()
    pods: dict[tuple[str, str], dict[str, Any]] = {}
    for job in cluster.jobs.values():
        labels = job["metadata"]["labels"]
        pods[labels.get("reelmill.dev/stage", ""), labels["reelmill.dev/step"]] = job["spec"]["template"]["spec"]
    with_gpu = {step for step, pod in pods.items() if GPU in pod["containers"][0]["resources"].get("limits", {})}
    assert with_gpu == {("samples", "shards")}
    assert pods["clips", "shards"]["nodeSelector"] == {"pool": "cpu"}
    wanted = pods["samples", "shards"]["affinity"]["nodeAffinity"]
    assert "NVIDIA-L4" in str(wanted)
    # What one stage leaves for the next is in the store, and nowhere else.
    volumes = [volume for pod in pods.values() for volume in pod["volumes"]]
    assert all("emptyDir" in volume or "secret" in volume for volume in volumes)
