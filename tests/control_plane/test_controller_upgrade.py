"""`helm upgrade` from the chart of the release before, while a pipeline runs: it goes on, and nothing is done twice."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from charts.rendering import CHART, environment, helm
from cluster import kubeconfig
from cluster.kubectl import kubectl
from control_plane.operators import Running, made, until
from control_plane.pipelines import Desk, holds, resource
from reelmill.controller.settings import read
from reelmill.schema import crd

pytestmark = pytest.mark.control_plane
PREVIOUS = next((Path(__file__).parents[1] / "charts/previous").glob("reelmill-*.tgz"))
DEFINITION = "apiextensions.k8s.io/v1/CustomResourceDefinition"
VALUES = ["--set", "scope=namespaced", "--set", "replicas=1"]


class Release:
    """A release of the chart in a namespace. Its pods are fake, so the test starts the operator that it configures."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk, self.folder = desk, folder

    def helm(self, *words: str) -> str:
        config = ["--kubeconfig", str(self.desk.client.config), "--namespace", self.desk.namespace]
        return helm(*words, *config)

    def operator(self) -> Running:
        """The operator with the environment and the account that the installed Deployment has."""
        client, namespace = self.desk.client, self.desk.namespace
        deployment = client.get("apps/v1/Deployment", "reelmill-operator", namespace)
        given = {name: value for name, value in environment(deployment).items() if isinstance(value, str)}
        given["REELMILL_NAMESPACES"] = given["REELMILL_OWN_NAMESPACE"] = namespace
        fast = made().model_dump(include={"listen", "progress_seconds", "resync_seconds", "write_rate"})
        with patch.dict(os.environ, given):
            settings = read(**fast)
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
        path = client.path("v1/ServiceAccount", namespace, "reelmill-operator", "token")
        access = kubeconfig.Access(
            client.access.server, client.json("POST", path, asked)["status"]["token"], client.access.ca
        )
        return Running(kubeconfig.write(self.folder / "operator", access), settings).start()


@pytest.fixture
def release(desk: Desk, tmp_path: Path) -> Iterator[Release]:
    one = Release(desk, tmp_path)
    yield one
    one.helm("uninstall", "reelmill", "--ignore-not-found")
    # The definition is everybody's; nothing of the release is left on it.
    marks = [f"meta.helm.sh/release-{word}-" for word in ("name", "namespace")]
    kubectl(desk.client.config, "annotate", "crd", crd()["metadata"]["name"], *marks)


def test_a_running_pipeline_survives_an_upgrade_of_the_chart(desk: Desk, release: Release) -> None:
    release.helm("install", "reelmill", str(PREVIOUS), *VALUES, "--take-ownership")
    desk.kubelet.holding = True
    old = release.operator()
    desk.apply(resource())
    until(lambda: len(desk.jobs()) == 1 and desk.jobs()[0].get("status", {}).get("active"), 60, "a pod at work")
    release.helm("upgrade", "reelmill", str(CHART), *VALUES, "--set", "stages.podLabels.team=video")
    found = desk.client.get(DEFINITION, crd()["metadata"]["name"])
    assert holds(found, "Established")
    assert crd()["spec"]["versions"][0]["schema"] == found["spec"]["versions"][0]["schema"]
    (running,) = desk.jobs()
    old.stop()
    new = release.operator()
    try:
        desk.kubelet.holding = False
        desk.wait_for("Complete", seconds=120)
        jobs = {job["metadata"]["name"]: job for job in desk.jobs()}
        assert running["metadata"]["uid"] == jobs[running["metadata"]["name"]]["metadata"]["uid"]
        later = [job["metadata"]["labels"] for name, job in jobs.items() if name != running["metadata"]["name"]]
        assert later
        assert {labels["team"] for labels in later} == {"video"}
        names = [job for job, _, code in desk.kubelet.ran if code == 0]
        assert len(desk.kubelet.jobs) == len(jobs)
        assert running["metadata"]["name"] in names
    finally:
        new.stop()
