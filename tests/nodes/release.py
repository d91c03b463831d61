"""The operator on nodes, installed by helm from the chart with an account of its own; and how a test kills it."""

import json
import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from cluster.client import Client
from cluster.nodes import Cluster
from cluster.pods import condition
from images import built
from repo.tree import ROOT

NAME, NAMESPACE = "reelmill", "reelmill-system"
CHART = ROOT / "charts/reelmill"
LEASE = "coordination.k8s.io/v1/Lease"
COMPONENT = "app.kubernetes.io/component=operator"


def image(key: str) -> dict[str, str]:
    """The chart's words for an image that was built here and is on the nodes."""
    repository, _, tag = built.reference(key).rpartition(":")
    return {"repository": repository, "tag": tag, "pullPolicy": "Never"}


class Release:
    """One installation. `values` are those of the last installation or upgrade."""

    def __init__(self, cluster: Cluster, name: str = NAME, namespace: str = NAMESPACE) -> None:
        self.cluster, self.name, self.namespace = cluster, name, namespace
        self.client: Client = cluster.client
        self.values: dict[str, Any] = {
            "image": image("operator"),
            "stages": {"image": image("stages-cpu")},
            # Little patience where a test would have to wait for it.
            "settings": {"progressSeconds": 1, "stagesGraceSeconds": 20},
        }

    def install(self, **values: Any) -> "Release":
        """Install or upgrade, and wait until the operator is ready."""
        self.values = {**self.values, **values}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(self.values, file)
            file.flush()
            self.helm("upgrade", "--install", "--create-namespace", "--wait", "--timeout=5m", f"--values={file.name}",
                      self.name, str(CHART))  # fmt: skip
        return self

    def uninstall(self) -> str:
        return self.helm("uninstall", "--wait", "--timeout=3m", self.name)

    def test(self) -> str:
        """`helm test`, with what its pod said."""
        return self.helm("test", "--logs", "--timeout=10m", self.name)

    def helm(self, *words: str, fails: bool = False) -> str:
        """What helm prints. Raises AssertionError if it fails, or if it does not and `fails`."""
        program = self.cluster.plane.programs / "helm"
        command = [str(program), "--kubeconfig", str(self.cluster.kubeconfig), "--namespace", self.namespace, *words]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert bool(done.returncode) == fails, f"helm {words[0]} ended with {done.returncode}: {done.stdout}"
        return done.stdout

    def pods(self) -> list[dict[str, Any]]:
        """The operator's pods, those that end left out."""
        selector = f"{COMPONENT},app.kubernetes.io/instance={self.name}"
        found = self.client.list("v1/Pod", self.namespace, selector)
        return [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]

    def ready(self) -> dict[str, Any]:
        """Its pod, once it is ready."""
        found = self.client.wait(
            lambda: [pod for pod in self.pods() if condition(pod, "Ready")], 180, "the operator to be ready"
        )
        return found[0]

    def kill(self) -> None:
        """SIGKILL to the operator, and its pod is gone: another takes over, and waits for no dead one's Lease."""
        doomed = self.pods()
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if process.read_bytes().split(b"\0")[1:3] == [b"-m", b"reelmill.controller"] and self._ours(process):
                    os.kill(int(process.parent.name), signal.SIGKILL)
        for pod in doomed:
            self.client.delete("v1/Pod", pod["metadata"]["name"], self.namespace, grace=0)
        lease = self.client.find(LEASE, f"{self.name}-operator", self.namespace)
        if lease and lease["spec"].get("holderIdentity") in [pod["metadata"]["name"] for pod in doomed]:
            self.client.patch(LEASE, f"{self.name}-operator", {"spec": {"holderIdentity": ""}}, self.namespace)

    def _ours(self, process: Path) -> bool:
        """Whether a process is in a pod of this cluster."""
        prefix = self.cluster.plane.box.instance.cgroup_prefix
        return prefix in process.with_name("cgroup").read_text()
