"""The operator with the rights and the environment that the chart gives it, and the chart's own test, for real."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest

from charts.rendering import Json, chart, container, environment
from cluster import kubeconfig
from cluster.client import Client
from cluster.control_plane import ControlPlane
from control_plane.operators import Running
from reelmill.controller.settings import read
from reelmill.schema import crd

pytestmark = pytest.mark.control_plane
SCRIPT = Path(__file__).parents[2] / "charts/reelmill/files/smoke.py"
SUSPENDED = {
    "suspend": True,
    "store": {"uri": "s3://reelmill-test/out"},
    "sources": [{"name": "films", "files": {"uri": "s3://reelmill-test/films/"}}],
    "stages": [{"name": "clips", "clip": {"by": "length", "length": "10s"}}],
}
"""A pipeline whose pods are never asked for."""


@dataclass
class Installed:
    """The chart in a namespace of a control plane whose pods are fake: the operator is started by the test."""

    client: Client
    namespace: str
    objects: dict[str, Json]
    folder: Path

    def token(self, account: str) -> str:
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
        path = self.client.path("v1/ServiceAccount", self.namespace, account, "token")
        return str(self.client.json("POST", path, asked)["status"]["token"])

    def operator(self) -> Running:
        """The operator as the Deployment's environment configures it, as the chart's service account."""
        given = environment(self.objects["Deployment/reelmill-operator"])
        given["REELMILL_NAMESPACES"] = given["REELMILL_OWN_NAMESPACE"] = self.namespace
        with patch.dict(os.environ, given):
            settings = read(listen="")
        assert settings.leader_election
        server, ca = self.client.access.server, self.client.access.ca
        access = kubeconfig.Access(server, self.token("reelmill-operator"), ca)
        return Running(kubeconfig.write(self.folder / "operator", access), settings).start()

    def test(self, seconds: int) -> subprocess.CompletedProcess[str]:
        """What the pod of `helm test` does."""
        (self.folder / "ca.crt").write_text(self.client.access.ca)
        (self.folder / "token").write_text(self.token("reelmill-operator-test"))
        server = urlsplit(self.client.access.server)
        pod = container({"spec": {"template": self.objects["Pod/reelmill-operator-test"]}})
        given = {one["name"]: one["value"] for one in pod["env"] if "value" in one} | {
            "ACCOUNT": str(self.folder),
            "KUBERNETES_SERVICE_HOST": str(server.hostname),
            "KUBERNETES_SERVICE_PORT": str(server.port),
            "TIMEOUT_SECONDS": str(seconds),
        }
        assert pod["command"] == ["python", "-c"]
        command = [sys.executable, "-c", *pod["args"]]
        return subprocess.run(command, env=given, capture_output=True, text=True, timeout=seconds + 60)


@pytest.fixture
def installed(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Installed:
    client = control_plane.client
    client.apply(crd())
    values = {"scope": "namespaced", "crds": {"install": False}, "test": {"pipeline": SUSPENDED}}
    objects = chart(values, namespace=namespace)
    client.apply([one for one in objects.values() if one["kind"] in ("ServiceAccount", "Role", "RoleBinding")])
    return Installed(client, namespace, objects, tmp_path)


@pytest.fixture
def operator(installed: Installed) -> Iterator[Running]:
    one = installed.operator()
    yield one
    one.stop()


def test_helms_test_passes_with_the_charts_rights_and_nothing_else(installed: Installed, operator: Running) -> None:
    done = installed.test(600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("Suspended: the operator works\n")
    assert operator.alive
    assert installed.client.list("VideoPipeline", installed.namespace) == []
    (lease,) = installed.client.list("coordination.k8s.io/v1/Lease", installed.namespace)
    assert lease["metadata"]["name"] == "reelmill-operator"


def test_helms_test_fails_with_a_hint_where_no_operator_runs(installed: Installed) -> None:
    done = installed.test(2)
    assert done.returncode == 1
    assert "Is the operator's pod running?" in done.stderr
