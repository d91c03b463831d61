"""What clusters do to pods, nodes, stores and operators, while a pipeline works: it ends as if nothing had happened.

That is: Complete, the files and the effective ledger of an undisturbed run, and no step with two Jobs at a time.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cluster.kwok import ready
from cluster.nodes import Cluster
from cluster.pods import RESTRICTED, terminated
from nodes.cluster_s3 import ClusterS3
from nodes.disturbed import Disturbed, out_of_memory
from nodes.place import POD, Place
from nodes.release import Release

pytestmark = [pytest.mark.nodes, pytest.mark.timeout(900)]
LEAST_MOMENTS = 6
"""The beginning and the end of three Jobs: a survey, and the shards of two stages."""
LEFT = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"


@pytest.fixture(scope="module")
def disturbed(stocked: Cluster, s3: ClusterS3, release: Release) -> Iterator[Disturbed]:
    release.ready()
    with stocked.client.namespace(labels=RESTRICTED) as namespace:
        yield Disturbed(Place(stocked, namespace, s3))


def test_a_pod_is_deleted_mid_shard(disturbed: Disturbed) -> None:
    place = disturbed.place
    disturbed.begin("deleted")
    pod = disturbed.mid_shard("deleted")["metadata"]["name"]
    place.cluster.client.delete(POD, pod, place.namespace, grace=0)


def test_a_pod_is_evicted_mid_shard(disturbed: Disturbed) -> None:
    place, client = disturbed.place, disturbed.place.cluster.client
    disturbed.begin("evicted")
    pod = disturbed.mid_shard("evicted")["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": place.namespace}}
    client.json("POST", client.path(POD, place.namespace, pod, "eviction"), eviction)


def test_a_pod_runs_out_of_memory_mid_shard(disturbed: Disturbed) -> None:
    place, client = disturbed.place, disturbed.place.cluster.client
    disturbed.begin("memory", workers=2)
    pod = disturbed.mid_shard("memory")
    with out_of_memory(pod, place.cluster.nodes[pod["spec"]["nodeName"]].cgroup):
        ended = client.wait_for(POD, pod["metadata"]["name"], place.namespace, failed, 120, "its end")
    assert terminated(ended)["reason"] == "OOMKilled"


@pytest.mark.parametrize("name", ["deleted", "evicted", "memory"])
def test_it_ends_as_if_nothing_had_happened_to_its_pod(name: str, disturbed: Disturbed) -> None:
    disturbed.ends_well(name)
    (job,) = disturbed.shards_jobs(name)
    # An eviction burns no retry.
    assert job["status"].get("failed", 0) == (0 if name == "evicted" else 1)


def test_after_a_pod_ran_out_of_memory_fewer_workers_share_it_and_all_that_was_paid_counts(
    disturbed: Disturbed,
) -> None:
    place = disturbed.place
    place.complete("memory")
    status = place.get("memory")["status"]
    (clips,) = [stage for stage in status["stages"] if stage["name"] == "clips"]
    assert clips["counters"]["fewer_workers"] == 1
    usage = clips["usage"]
    assert usage["lostRuns"] == 1
    assert usage["cpuSeconds"] > 0
    assert usage["podSeconds"] > 0
    assert clips["bound"] == "compute"
    assert status["spent"]["podSeconds"] > 0
    assert status["spent"]["jobs"] == {}


def failed(pod: dict[str, Any]) -> bool:
    return bool(pod["status"]["phase"] == "Failed")


def test_a_node_is_lost_mid_shard_and_another_takes_over(disturbed: Disturbed) -> None:
    place, client = disturbed.place, disturbed.place.cluster.client
    disturbed.begin("node")
    lost = disturbed.mid_shard("node")
    assert lost["spec"]["nodeName"] == "reel-gpu"
    with _without(place, "reel-gpu"):
        disturbed.ends_well("node", seconds=600)
    client.wait(lambda: client.find(POD, lost["metadata"]["name"], place.namespace) is None, 120, "the lost pod to go")


def test_the_store_is_down_for_a_minute(disturbed: Disturbed, s3: ClusterS3) -> None:
    disturbed.begin("store")
    disturbed.mid_shard("store")
    s3.stop()
    # The time of the outage is what is tested here.
    time.sleep(60)
    s3.start()
    disturbed.ends_well("store")


def test_the_operator_is_killed_whenever_a_job_begins_or_ends(disturbed: Disturbed, release: Release) -> None:
    place, kills = disturbed.place, 0
    disturbed.begin("killed")
    while disturbed.until_moment("killed", kills + 1):
        release.kill()
        release.ready()
        kills += 1
    assert kills >= LEAST_MOMENTS
    disturbed.ends_well("killed")
    assert place.tries("killed") == {1}


@contextmanager
def _without(place: Place, name: str) -> Iterator[None]:
    """A node loses its power; somebody sees that it will not come back soon, and says so."""
    node, client = place.cluster.nodes[name], place.cluster.client
    node.cut_power()
    try:
        client.wait_for("v1/Node", name, "", lambda found: not ready(found), 120, "the node to be lost")
        place.kubectl("taint", "node", name, LEFT)
        yield
    finally:
        # A node with taints is not ready.
        place.kubectl("taint", "node", name, f"{LEFT.split('=')[0]}-")
        place.cluster.restore_power(name)
