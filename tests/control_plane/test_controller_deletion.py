"""Pipelines with `onDelete: Delete`: a finalizer while they live, and an end that comes whatever the store does."""

import gc
from pathlib import Path
from typing import Any

import pytest

from cluster.client import Client
from control_plane.operators import Crash, Faults, Running, Send, account, made, running, until
from control_plane.pipelines import KIND, Desk, resource, steps
from control_plane.test_controller_runs import RUN
from reelmill.plan.deletion import FINALIZER

pytestmark = pytest.mark.control_plane
Json = dict[str, Any]


def is_gone(desk: Desk, name: str = "demo") -> bool:
    return desk.client.find(KIND, name, desk.namespace) is None


def event_reasons(desk: Desk) -> list[str]:
    return [event["reason"] for event in desk.client.list("v1/Event", desk.namespace)]


def request_deletion(desk: Desk, propagation: str = "Background") -> None:
    """Delete it, and do not wait."""
    desk.client.json("DELETE", desk.client.path(KIND, desk.namespace, "demo"), {"propagationPolicy": propagation})


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_a_deleted_pipeline_is_gone_after_its_data(desk: Desk, config: Path, propagation: str) -> None:
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource(onDelete="Delete"))
        found = desk.wait_for("Complete")
        assert found["metadata"]["finalizers"] == [FINALIZER]
        assert desk.kubelet.store.stages
        request_deletion(desk, propagation)
        until(lambda: is_gone(desk), 60, "the resource to go")
        assert not desk.kubelet.store.stages
        assert steps(desk.kubelet.jobs) == sorted([*RUN, "demo-remove-r"])
        # The last word comes once the resource was let go.
        until(lambda: "DataRemoved" in event_reasons(desk), 60, "word of it")


def test_a_pipeline_deleted_mid_run_stops_its_pods_before_its_data_are_removed(desk: Desk, config: Path) -> None:
    desk.kubelet.held_step = "shards"
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource(onDelete="Delete"))
        until(lambda: any("-s" in name[-4:] for name in desk.kubelet.jobs), 60, "shards")
        desk.kubelet.holding = True
        until(lambda: desk.client.list("v1/Pod", desk.namespace), 30, "a pod")
        request_deletion(desk)
        removal = "reelmill.dev/step=remove"
        until(lambda: desk.client.list("batch/v1/Job", desk.namespace, removal), 60, "the removal")
        others = [
            pod for pod in desk.client.list("v1/Pod", desk.namespace) if "-remove-" not in pod["metadata"]["name"]
        ]
        assert not [pod for pod in others if pod["status"]["phase"] in ("Pending", "Running")]
        desk.kubelet.holding = False
        until(lambda: is_gone(desk), 60, "the resource to go")
    assert not desk.kubelet.store.stages


def test_a_store_that_cannot_be_reached_is_reported_with_how_to_release_the_pipeline(desk: Desk, config: Path) -> None:
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource(onDelete="Delete"))
        desk.wait_for("Complete")
        desk.kubelet.store.exits["", "remove"] = [64] * 1000
        request_deletion(desk)
        words = lambda: getattr(desk.status().condition("Reconciling"), "message", "")  # noqa: E731
        until(lambda: "on purpose; mend it" in words(), 60, "a word about the store")
        assert "set spec.onDelete to Keep" in words()
        assert not is_gone(desk)
        desk.edit({"spec": {"onDelete": "Keep"}})
        until(lambda: is_gone(desk), 60, "the resource to go")
    assert desk.kubelet.store.stages


def test_a_namespace_that_is_deleted_is_not_held_up(desk: Desk, tmp_path: Path) -> None:
    config = account(desk.client, desk.namespace, tmp_path, cluster_wide=True)
    client: Client = desk.client
    name = f"{desk.namespace}-more"
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    with running(config, namespaces=(name,)):
        # Without pods: Kubernetes itself holds up a namespace whose Jobs have some (see the failure handbook).
        client.apply(resource(onDelete="Delete", suspend=True), name)
        until(lambda: client.get(KIND, "demo", name)["metadata"].get("finalizers"), 30, "the finalizer")
        client.json("DELETE", client.path("v1/Namespace", "", name))
        until(lambda: client.find("v1/Namespace", name) is None, 60, "the namespace to go")


@pytest.mark.timeout(1200)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the killed close no connection
def test_an_operator_killed_at_every_write_of_a_removal_converges(desk: Desk, config: Path) -> None:
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource(onDelete="Delete"))
        desk.wait_for("Complete")
    request_deletion(desk)
    for life in range(100):

        async def strike(number: int, method: str, path: str, send: Send, after: bool = life % 2 == 1) -> Json:
            if after:
                await send()
            raise Crash(f"{method} {path}")

        one = Running(config, made(namespaces=(desk.namespace,)), Faults(strike).layer).start()
        until(lambda one=one: not one.alive or is_gone(desk), 60, "a write")
        one.stop()
        if is_gone(desk):
            break
    gc.collect()
    assert not desk.kubelet.store.stages
    assert steps(desk.kubelet.jobs).count("demo-remove-r") == 1
