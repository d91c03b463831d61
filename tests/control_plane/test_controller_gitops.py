"""The example repository under GitOps: applied, reconciled, applied again. Nothing drifts, and no child is pruned."""

from pathlib import Path
from typing import Any

import pytest

from charts.rendering import kustomize
from control_plane.operators import running
from control_plane.pipelines import KIND, Desk
from control_plane.symbolic_kubelet import NOWHERE
from gitops.argocd import health

pytestmark = pytest.mark.control_plane
Json = dict[str, Any]
TRACKING = {
    "labels": {"app.kubernetes.io/instance": "pipelines", "kustomize.toolkit.fluxcd.io/name": "pipelines"},
    "annotations": {"argocd.argoproj.io/tracking-id": "pipelines:reelmill.dev/VideoPipeline:x/y"},
}
"""What Argo CD and Flux write on what they apply, and look for when they prune."""
PRUNED_BY = [*TRACKING["labels"], *TRACKING["annotations"]]
SERVER = ("resourceVersion", "managedFields", "generation", "uid", "creationTimestamp")


def documents(onDelete: str = "Keep") -> list[Json]:  # noqa: N803 - the field
    """The pipelines of the example, as an agent applies them. Their pods run symbolically."""
    found = list(kustomize("gitops/example/pipelines").values())
    for one in found:
        marks = {name: {**one["metadata"].get(name, {}), **words} for name, words in TRACKING.items()}
        one["metadata"] |= marks
        placed = {"defaults": {"nodeSelector": NOWHERE}, "control": {"nodeSelector": NOWHERE}, "onDelete": onDelete}
        one["spec"] |= placed
        one["spec"].pop("refresh", None)
    return found


def applied(desk: Desk, document: Json, *, dry_run: bool = False) -> Json:
    """Server-side apply as an agent does: without force, so that a field that somebody else took is a conflict."""
    path = desk.client.path(KIND, desk.namespace, document["metadata"]["name"])
    query = f"?fieldManager=gitops{'&dryRun=All' if dry_run else ''}"
    return desk.client.json("PATCH", path + query, document, "application/apply-patch+yaml")


def settled(resource: Json) -> Json:
    """A resource without what the server counts."""
    metadata = {name: value for name, value in resource["metadata"].items() if name not in SERVER}
    return {**resource, "metadata": metadata}


@pytest.mark.parametrize("on_delete", ["Keep", "Delete"])
def test_after_a_run_a_second_apply_finds_nothing_to_change(desk: Desk, config: Path, on_delete: str) -> None:
    desk.kubelet.store.bucket["films"] = ["v1", "v2"]
    given = documents(on_delete)
    with running(config, namespaces=(desk.namespace,)):
        for document in given:
            applied(desk, document)
        for document in given:
            desk.wait_for("Complete", document["metadata"]["name"], seconds=120)
    for document in given:
        live = desk.get(document["metadata"]["name"])
        assert settled(applied(desk, document, dry_run=True)) == settled(live)
        assert live["spec"] == document["spec"]
        assert health(live)[0] == "Healthy"
        owned = {entry["manager"]: entry["fieldsV1"] for entry in live["metadata"]["managedFields"]}
        others = {name: fields for name, fields in owned.items() if name != "gitops"}
        assert others
        assert not [name for name, fields in others.items() if "f:spec" in fields]
        taken = [set(fields.get("f:metadata", {})) - {"."} for fields in others.values()]
        assert set().union(*taken) <= {"f:finalizers"}
        if on_delete == "Delete":
            desk.client.patch(KIND, document["metadata"]["name"], {"metadata": {"finalizers": []}}, desk.namespace)


def test_children_belong_to_their_pipeline_and_to_no_agent(desk: Desk, config: Path) -> None:
    """An agent prunes what carries its mark and is not in Git: Jobs and pods carry none, whatever the pipeline has."""
    desk.kubelet.store.bucket["films"] = ["v1"]
    with running(config, namespaces=(desk.namespace,)):
        for document in documents():
            applied(desk, document)
            desk.wait_for("Complete", document["metadata"]["name"], seconds=120)
    children = desk.jobs() + desk.client.list("v1/Pod", desk.namespace)
    assert children
    for child in children:
        metadata = child["metadata"]
        assert not [mark for mark in PRUNED_BY if mark in {**metadata["labels"], **metadata.get("annotations", {})}]
        assert metadata["ownerReferences"][0]["controller"] is True


def test_waves_bring_the_operator_before_pipelines_and_readers_after_what_they_read() -> None:
    def wave(document: Json) -> int:
        return int(document["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave", 0))

    applications = {name: wave(one) for name, one in kustomize("gitops/example/argocd").items()}
    waves = [wave(one) for one in documents()]
    assert sorted(applications.values()) == [-1, 0]
    assert min(applications, key=lambda name: applications[name]).endswith("Application/reelmill-operator")
    assert waves == sorted(waves)
    assert min(waves) > 0
