"""`kubectl apply -f install.yaml` of a release, on a real API server: every object is accepted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from charts.rendering import NAMESPACE, kustomize, objects
from cluster.control_plane import ControlPlane
from cluster.kubectl import find, kubectl
from cluster.pods import condition
from control_plane.pipelines import resource
from release.making import made

pytestmark = pytest.mark.control_plane
REGISTRY = "registry.example/video"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """install.yaml with images of a registry."""
    path = f"{find().parent}:/usr/bin:/bin"
    out = tmp_path_factory.mktemp("release") / "dist"
    return made(out, "--parts", "install", "--registry", REGISTRY, PATH=path) / "install.yaml"


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """The namespace of install.yaml."""
    client = control_plane.client
    document = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    client.apply(document)
    yield NAMESPACE
    client.json("DELETE", client.path("v1/Namespace", "", NAMESPACE))


def test_it_is_the_cluster_wide_overlay_with_the_images_of_the_registry(file: Path) -> None:
    ours, theirs = objects(file.read_text()), kustomize("overlays/cluster-wide")
    text = yaml.safe_dump(theirs["Deployment/reelmill-operator"])
    for image in ("reelmill-operator:", "reelmill-stages:"):
        assert image in text
        text = text.replace(image, f"{REGISTRY}/{image}")
    assert ours == {**theirs, "Deployment/reelmill-operator": yaml.safe_load(text)}


@pytest.mark.usefixtures("namespace")
def test_an_api_server_takes_every_object_and_serves_pipelines(file: Path, control_plane: ControlPlane) -> None:
    config = control_plane.kubeconfig
    found = objects(file.read_text())
    definition = found.pop("CustomResourceDefinition/videopipelines.reelmill.dev")
    server_side = ["apply", "--server-side", "--force-conflicts", "-f", "-"]
    kubectl(config, *server_side, stdin=yaml.safe_dump(definition))
    kind, name = "apiextensions.k8s.io/v1/CustomResourceDefinition", definition["metadata"]["name"]
    control_plane.client.wait_for(kind, name, "", lambda one: condition(one, "Established"), 30)
    said = kubectl(
        config, *server_side, "--dry-run=server", "--validate=strict", stdin=yaml.safe_dump_all(found.values())
    )
    assert said.count("serverside-applied (server dry run)") == len(found)
    assert "Warning" not in said
    assert "videopipelines" in kubectl(config, "api-resources", "--api-group=reelmill.dev", "-o", "name")
    with control_plane.client.namespace() as space:
        kept = control_plane.client.create(resource(), space, dry_run=True)
    assert kept["kind"] == "VideoPipeline"


def test_definition_and_namespace_come_before_what_uses_them(file: Path) -> None:
    kinds = [one["kind"] for one in yaml.safe_load_all(file.read_text())]
    assert set(kinds[:2]) == {"CustomResourceDefinition", "Namespace"}
