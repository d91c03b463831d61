"""The definition of the resource as the API server sees it: what it takes, refuses, explains and prints."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.client import ApiError, Client, documents
from cluster.control_plane import ControlPlane
from cluster.kubectl import kubectl
from cluster.pods import condition

ROOT = Path(__file__).parents[2]
DEFINITION = ROOT / "manifests/crd/videopipelines.yaml"
CORPUS = Path(__file__).parent / "corpus"
ACCEPTED = [*sorted((CORPUS / "accept").glob("*.yaml")), *sorted((ROOT / "manifests/samples").rglob("*.yaml"))]
REFUSED = sorted((CORPUS / "reject").glob("*.yaml"))
EXPECT = "# expect: "
KIND = "reelmill.dev/v1alpha1/VideoPipeline"

pytestmark = pytest.mark.control_plane


@pytest.fixture(scope="session")
def client(control_plane: ControlPlane) -> Client:
    """An administrator's client of a server that knows the definition."""
    client = control_plane.client
    client.apply(DEFINITION)
    name = documents(DEFINITION)[0]["metadata"]["name"]
    kind = "apiextensions.k8s.io/v1/CustomResourceDefinition"
    client.wait_for(kind, name, "", lambda definition: condition(definition, "Established"), 30)
    return client


@pytest.fixture(scope="session")
def space(client: Client) -> Iterator[str]:
    """A namespace for what is only tried."""
    with client.namespace() as name:
        yield name


def pipeline(name: str) -> dict[str, Any]:
    """A document of the corpus of accepted ones."""
    (document,) = documents(CORPUS / "accept" / f"{name}.yaml")
    return document


def test_the_server_finds_nothing_wrong_with_the_definition(client: Client) -> None:
    name = documents(DEFINITION)[0]["metadata"]["name"]
    found = client.get("apiextensions.k8s.io/v1/CustomResourceDefinition", name)
    assert condition(found, "NamesAccepted")
    assert not condition(found, "NonStructuralSchema")


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_a_good_pipeline_is_accepted_and_kept_as_it_was_written(path: Path, client: Client, space: str) -> None:
    for document in documents(path):
        kept = client.create(document, space, dry_run=True)
        assert kept["spec"] == document["spec"], "a field was pruned or a default was written"


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_an_invalid_pipeline_is_rejected_with_the_reason(path: Path, client: Client, space: str) -> None:
    expected = path.read_text().splitlines()[0].removeprefix(EXPECT)
    (document,) = documents(path)
    with pytest.raises(ApiError) as refusal:
        client.create(document, space, dry_run=True)
    assert expected in refusal.value.message


def test_an_edit_is_held_to_the_same_rules(client: Client, namespace: str) -> None:
    client.create(pipeline("minimal"), namespace)
    with pytest.raises(ApiError, match="from must only name sources and earlier stages"):
        client.patch(KIND, "p", {"spec": {"stages": [{"name": "clips", "from": ["later"], "clip": {}}]}}, namespace)


def test_all_problems_are_reported_at_once(client: Client, space: str) -> None:
    document = pipeline("minimal")
    document["spec"]["stages"] = [{"name": "raw", "from": ["x"], "clip": {}}]
    with pytest.raises(ApiError) as refusal:
        client.create(document, space, dry_run=True)
    assert "must not have the name of a source" in refusal.value.message
    assert "earlier stages" in refusal.value.message


def test_lists_merge_by_name_so_that_two_appliers_share_a_pipeline(client: Client, namespace: str) -> None:
    client.apply(pipeline("minimal"), namespace, manager="one")
    other = pipeline("minimal")
    other["spec"] = {
        "store": {"uri": "s3://out/p"},
        "sources": pipeline("minimal")["spec"]["sources"],
        "stages": [{"name": "packed", "pack": {}}],
    }
    (merged,) = client.apply(other, namespace, manager="two")
    assert [stage["name"] for stage in merged["spec"]["stages"]] == ["clips", "packed"]


def test_the_status_is_written_apart_and_does_not_count_as_an_edit(client: Client, namespace: str) -> None:
    before = client.create(pipeline("minimal"), namespace)
    status = {"active": "clips", "shards": "3/8", "failed": 2}
    after = client.patch(KIND, "p", {"status": status, "spec": {"waves": 7}}, namespace, part="status")
    assert after["status"] | status == after["status"]
    assert "waves" not in after["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


def test_kubectl_get_shows_the_columns_that_people_look_at(client: Client, namespace: str) -> None:
    client.create(pipeline("running"), namespace)
    condition = {"type": "Ready", "status": "False", "reason": "Working", "message": "two stages are at work"}
    status = {
        "active": "clips",
        "shards": "3/8",
        "failed": 2,
        "conditions": [{**condition, "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1}],
        "stages": [{"name": "clips", "key": "k", "items": 10}, {"name": "packed", "key": "k", "items": 7}],
    }
    client.patch(KIND, "p", {"status": status}, namespace, part="status")
    head, row = kubectl(client.config, "get", "vp", "-n", namespace).splitlines()
    assert head.split() == ["NAME", "READY", "STAGE", "SHARDS", "FAILED", "AGE"]
    assert row.split()[:5] == ["p", "False", "clips", "3/8", "2"]
    head, row = kubectl(client.config, "get", "reelmill", "-n", namespace, "-o", "wide").splitlines()
    assert head.split() == ["NAME", "READY", "STAGE", "SHARDS", "FAILED", "QUEUE", "ITEMS", "REASON", "MESSAGE", "AGE"]
    assert "research   7       Working   two stages are at work" in row


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (
            "vp.spec",
            [
                "The object store that all stages read",
                "Sources of items",
                "Processing stages",
                "Default: 1.",
            ],
        ),
        ("vp.spec.stages", ["Maximum number of pods", "A new value runs this stage", "clip"]),
        ("vp.spec.stages.frames", ["Number of frames per item", "Default: 16.", "enum: loader, linspace, segments"]),
        ("vp.spec.store.secretRef", ["Secret with the credentials", "the pod's identity", "AWS_ACCESS_KEY_ID"]),
        ("vp.status", ["Number of failed items of all"]),
    ],
)
def test_kubectl_explain_reads_well(field: str, words: list[str], client: Client) -> None:
    text = " ".join(kubectl(client.config, "explain", field).split())
    assert not [word for word in words if word not in text], text


def test_kubectl_shows_the_message_of_the_server(client: Client, space: str) -> None:
    path = CORPUS / "reject" / "two-blocks.yaml"
    said = kubectl(client.config, "apply", "-f", str(path), "-n", space, fails=True)
    assert 'The VideoPipeline "p" is invalid: spec.stages[0]:' in said
    assert "exactly one of clip, frames, pack, index" in said
