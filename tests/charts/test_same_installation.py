"""Chart and kustomize install the same operator, and an API server takes it."""

from typing import Any

import pytest
import yaml

from charts.rendering import NAMESPACE, Json, chart, container, environment, kustomize
from cluster.control_plane import ControlPlane
from cluster.kubectl import kubectl

pytestmark = pytest.mark.control_plane
DEPLOYMENT = "Deployment/reelmill-operator"
OVERLAYS: list[tuple[str, Json]] = [
    ("overlays/cluster-wide", {"scope": "cluster"}),
    ("overlays/namespaced", {"scope": "namespaced"}),
]
RBAC = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ServiceAccount")
both = pytest.mark.parametrize(("overlay", "values"), OVERLAYS, ids=["cluster-wide", "namespaced"])


def rights(found: dict[str, Json]) -> dict[str, Any]:
    """Everything about who may do what; `helm test` has an account of its own."""
    return {
        name: {part: one.get(part) for part in ("rules", "roleRef", "subjects")}
        for name, one in found.items()
        if one["kind"] in RBAC and not name.endswith("-test")
    }


@both
def test_rights_are_the_same(overlay: str, values: Json) -> None:
    assert rights(chart(values)) == rights(kustomize(overlay))


@both
def test_arguments_environment_and_the_rest_of_the_deployment_are_the_same(overlay: str, values: Json) -> None:
    ours, theirs = chart(values)[DEPLOYMENT], kustomize(overlay)[DEPLOYMENT]
    assert environment(ours) == environment(theirs)
    for part in ("command", "args"):
        assert container(ours).get(part) == container(theirs).get(part)
    assert ours["spec"] == theirs["spec"]


def test_the_definition_is_the_same() -> None:
    name = "CustomResourceDefinition/videopipelines.reelmill.dev"
    ours, theirs = chart({"crds": {"keep": False}})[name], kustomize("overlays/cluster-wide")[name]
    assert ours["spec"] == theirs["spec"]


def test_the_namespaced_overlay_asks_for_nothing_outside_its_namespace() -> None:
    found = kustomize("overlays/namespaced")
    assert {one["metadata"].get("namespace") for one in found.values()} == {NAMESPACE}


@both
def test_an_api_server_takes_every_object(overlay: str, values: Json, control_plane: ControlPlane) -> None:
    """Strictly, with no warning, in a namespace that enforces Pod Security `restricted`."""
    on = {"enabled": True}
    everything = {"replicas": 2, "networkPolicy": on, "admissionPolicy": on, "metrics": {"dashboard": on}}
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    with control_plane.client.namespace("chart", labels) as namespace:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reelmill-operator-test"}}
        kubectl(control_plane.kubeconfig, "apply", "--namespace", namespace, "-f", "-", stdin=yaml.safe_dump(account))
        for found in (kustomize(overlay), chart({**values, **everything})):
            moved = [one for one in found.values() if one["kind"] != "Namespace"]
            text = yaml.safe_dump_all(moved).replace(f"namespace: {NAMESPACE}", f"namespace: {namespace}")
            said = kubectl(
                control_plane.kubeconfig, "apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text
            )
            # The definition may be there already, from other tests, and then it came by another way than `apply`.
            assert not [line for line in said.splitlines() if "Warning" in line and "last-applied" not in line]
            assert said.count("server dry run") == len(moved)


def test_what_watches_the_operator_finds_it() -> None:
    found = kustomize("observability")
    labels = kustomize("overlays/cluster-wide")[DEPLOYMENT]["spec"]["template"]["metadata"]["labels"]
    wanted = found["PodMonitor/reelmill-operator"]["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= labels.items()
    assert found["ConfigMap/reelmill-dashboard"]["metadata"]["labels"]["grafana_dashboard"] == "1"
