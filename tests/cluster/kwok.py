"""Simulated nodes: kwok plays the kubelets of fake nodes, and annotations determine how their pods end.

The annotations are described at the top of kwok-stages.yaml.
"""

from pathlib import Path
from typing import Any

from cluster.control_plane import HELPER, ControlPlane

STAGES = Path(__file__).with_name("kwok-stages.yaml")
FAKE = "kwok.x-k8s.io/node"
ANNOTATION = "test.reelmill.dev"
L4 = "NVIDIA-L4"


def start(plane: ControlPlane, stages: Path = STAGES) -> None:
    """Start kwok and two fake nodes, `fake-cpu` and `fake-gpu`; `stages` defines the life cycle of their pods."""
    plane.box.start(
        "kwok",
        *(plane.programs / "kwok", "--kubeconfig", plane.access(HELPER), "--config", stages),
        *("--manage-all-nodes=false", f"--manage-nodes-with-annotation-selector={FAKE}=fake"),
        *("--node-lease-duration-seconds", "40", "--node-ip", "127.0.0.1"),
    )
    add_node(plane, "fake-cpu")
    add_node(plane, "fake-gpu", gpus=1000, product=L4)


def add_node(plane: ControlPlane, name: str, *, gpus: int = 0, product: str = "", **labels: str) -> None:
    """Add a fake node and wait until it is ready."""
    client = plane.client
    amounts: dict[str, str] = {"cpu": "1000", "memory": "4000Gi", "pods": "100000", "ephemeral-storage": "4000Gi"}
    if gpus:
        amounts["nvidia.com/gpu"] = str(gpus)
    node: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {FAKE: "fake"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                **({"nvidia.com/gpu.product": product} if product else {}),
                **labels,
            },
        },
    }
    client.apply(node)
    client.patch("v1/Node", name, {"status": {"capacity": amounts, "allocatable": amounts}}, part="status")
    client.wait_for("v1/Node", name, "", ready, 60, "the fake node to be ready")


def ready(node: dict[str, Any]) -> bool:
    """Whether a node is ready and accepts pods."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    said = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return said and not node["spec"].get("taints")
