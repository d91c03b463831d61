"""The chart on a cluster: its own test, upgrades while pipelines run, and what an uninstallation leaves."""

import pytest

from nodes.place import Json, Place
from nodes.release import Release
from nodes.small_pipeline import small

pytestmark = [pytest.mark.nodes, pytest.mark.timeout(900)]


def test_helm_test_runs_a_small_pipeline_to_its_end_with_no_store_at_hand(release: Release) -> None:
    release.ready()
    said = release.test()
    assert "Complete: the operator works" in said
    assert release.client.list("VideoPipeline", release.namespace) == []


def test_helm_test_runs_the_pipeline_of_the_values(release: Release, place: Place) -> None:
    values = release.values
    document = small(place.s3, "in-values")
    for secret in place.s3.secrets(["s3-credentials"]):
        release.client.apply(secret, release.namespace)
    release.install(test={"pipeline": document["spec"]})
    assert "Complete: the operator works" in release.test()
    release.values = values


def test_an_upgrade_replaces_the_operator_and_disturbs_no_pipeline(release: Release, place: Place) -> None:
    (before,) = release.pods()
    document = small(place.s3, "upgraded")
    place.apply(document)
    place.running("upgraded", "clips")
    release.install(podAnnotations={"upgraded": "yes"})
    release.client.wait(
        lambda: before["metadata"]["name"] not in [pod["metadata"]["name"] for pod in release.pods()], 120, "a new pod"
    )
    place.complete("upgraded")
    assert place.tries("upgraded") == {1}


def test_an_uninstallation_leaves_the_definition_and_every_pipeline_and_the_next_takes_them_up(
    release: Release, place: Place
) -> None:
    place.apply(small(place.s3, "kept"))
    place.complete("kept")
    assert "kept due to the resource policy" in release.uninstall()
    assert release.client.find("CustomResourceDefinition", "videopipelines.reelmill.dev")
    for kind in ("Deployment", "ServiceAccount", "Role", "RoleBinding"):
        assert [one for one in release.client.list(kind, release.namespace) if ours(one)] == []
    for kind in ("ClusterRole", "ClusterRoleBinding"):
        assert [one for one in release.client.list(kind) if ours(one)] == []
    assert place.get("kept")["status"]["run"]
    place.apply(small(place.s3, "waits"))
    release.install()
    place.complete("waits")
    assert place.holds("kept", "Complete")


def ours(found: Json) -> bool:
    return bool(found["metadata"]["name"].startswith("reelmill"))
