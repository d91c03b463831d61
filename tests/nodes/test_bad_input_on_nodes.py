"""What the definition cannot refuse and nodes cannot run: told, with a way out; mended, it goes on.

The pipelines go wrong side by side, and each is mended as soon as it has told.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from cluster.nodes import Cluster
from cluster.pods import RESTRICTED
from nodes.cluster_s3 import ClusterS3
from nodes.place import PATIENCE, Json, Place
from nodes.release import Release
from nodes.small_pipeline import small

pytestmark = [pytest.mark.nodes, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Wrong:
    """One thing that is wrong: what the condition says of it, and how a person mends it."""

    reason: str
    words: tuple[str, ...]
    break_: Callable[[Json], None]
    mend: Callable[[Place, Json], None]


def _no_image(document: Json) -> None:
    document["spec"]["defaults"] = {"image": "registry.invalid/stages:none", "imagePullPolicy": "IfNotPresent"}


def _no_secret(document: Json) -> None:
    document["spec"]["store"]["secretRef"]["name"] = "made-later"


def _no_gpu(document: Json) -> None:
    document["spec"]["stages"][0]["gpu"] = {"count": 1, "products": ["NVIDIA-H100-80GB-HBM3"]}


def _no_account(document: Json) -> None:
    document["spec"]["defaults"] = {"serviceAccountName": "made-later"}


def _edit(place: Place, document: Json) -> None:
    good = small(place.s3, document["metadata"]["name"])
    good["spec"]["store"] = document["spec"]["store"]
    place.apply(good)


def _make_secret(place: Place, document: Json) -> None:
    place.cluster.client.apply(place.s3.secrets(["made-later"]), place.namespace)


def _make_account(place: Place, document: Json) -> None:
    place.kubectl("create", "serviceaccount", "made-later")


WRONG = {
    "image": Wrong("ImagePull", ("registry.invalid/stages:none", "correct `image`"), _no_image, _edit),
    "secret": Wrong("SecretMissing", ('"made-later" not found', "create it"), _no_secret, _make_secret),
    "gpu": Wrong("Unschedulable", ("0/2 nodes are available", "affinity"), _no_gpu, _edit),
    "account": Wrong("NoPods", ("service account", "kubectl describe job"), _no_account, _make_account),
}


@pytest.fixture(scope="module")
def applied(stocked: Cluster, s3: ClusterS3, release: Release) -> Iterator[tuple[Place, dict[str, Json]]]:
    """All of them at once."""
    release.ready()
    with stocked.client.namespace(labels=RESTRICTED) as namespace:
        place = Place(stocked, namespace, s3)
        documents = {}
        for name, wrong in WRONG.items():
            document = documents[name] = small(s3, name)
            wrong.break_(document)
            place.apply(document, without="made-later")
        yield place, documents


@pytest.mark.parametrize("name", WRONG)
def test_a_problem_is_reported_with_a_remedy(name: str, applied: tuple[Place, dict[str, Json]]) -> None:
    place, documents = applied
    wrong = WRONG[name]
    message = place.wait_for_reason(name, "Reconciling", wrong.reason, PATIENCE)
    assert all(word in message for word in wrong.words), message
    assert not place.holds(name, "Ready")
    assert len(place.get(name)["status"]["conditions"]) < 12
    wrong.mend(place, documents[name])


@pytest.mark.parametrize("name", WRONG)
def test_once_it_is_fixed_the_run_continues_by_itself(name: str, applied: tuple[Place, dict[str, Json]]) -> None:
    place, _ = applied
    place.complete(name)


def test_the_operator_met_nothing_that_it_did_not_know_and_made_no_storm(
    applied: tuple[Place, dict[str, Json]], release: Release
) -> None:
    place, _ = applied
    pod = release.ready()["metadata"]["name"]
    assert "Traceback" not in release.client.logs(pod, release.namespace)
    for name in WRONG:
        # A survey, three steps for each of two stages; what was edited had its waiting Job replaced, once.
        assert len(place.jobs(name)) <= 9, [job["metadata"]["name"] for job in place.jobs(name)]
