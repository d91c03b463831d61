"""What the definition cannot refuse and the cluster does: told within a minute, with what to do, and mended alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cluster.control_plane import ControlPlane
from control_plane.operators import running, until, writes_nothing
from control_plane.pipelines import Desk, resource

pytestmark = pytest.mark.control_plane


def reconciling(desk: Desk, name: str) -> tuple[str, str]:
    found = desk.status(name).condition("Reconciling")
    return (found.reason, found.message) if found else ("", "")


def named(name: str, **spec: Any) -> dict[str, Any]:
    """A pipeline with a store of its own."""
    return resource(name, store={"uri": f"s3://out/{name}"}, **spec)


def test_pods_without_a_node_or_an_account_are_reported_and_continue_once_fixed(desk: Desk, config: Path) -> None:
    desk.kubelet.idle = True
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(named("nodeless"))
        desk.apply(named("nobody", defaults={"serviceAccountName": "missing", "nodeSelector": {"a": "b"}}))
        until(lambda: reconciling(desk, "nodeless")[0] == "Unschedulable", 60, "the scheduler's words")
        assert "nodes are available" in reconciling(desk, "nodeless")[1]
        until(lambda: reconciling(desk, "nobody")[0] == "NoPods", 60, "a word about the account")
        assert "service account" in reconciling(desk, "nobody")[1]
        desk.kubelet.idle = False
        desk.wait_for("Complete", "nodeless")
        assert not desk.status("nodeless").holds("Reconciling")
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "missing"}}
        desk.client.apply(account, desk.namespace)
        until(lambda: reconciling(desk, "nobody")[0] != "NoPods", 120, "pods")


def test_a_quota_that_rejects_the_job_is_reported_and_the_run_continues_by_itself(desk: Desk, config: Path) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none"},
        "spec": {"hard": {"count/jobs.batch": "0"}},
    }
    desk.client.apply(quota, desk.namespace)
    counted = lambda found: (found.get("status") or {}).get("hard")  # noqa: E731
    desk.client.wait_for("v1/ResourceQuota", "none", desk.namespace, counted, 30)
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource())
        until(lambda: reconciling(desk, "demo")[0] == "JobRefused", 30, "the quota's words")
        assert "exceeded quota" in reconciling(desk, "demo")[1]
        desk.client.delete("v1/ResourceQuota", "none", desk.namespace)
        desk.wait_for("Complete", seconds=120)


def test_containers_that_cannot_start_are_reported_with_a_remedy_and_start_once_fixed(
    desk: Desk, config: Path, defined: ControlPlane
) -> None:
    kubelets_words = {
        "imageless": ("ImagePullBackOff", 'Back-off pulling image "registry.example/none:1"'),
        "secretless": ("CreateContainerConfigError", 'secret "s3-credentials" not found'),
        "keyless": ("CreateContainerConfigError", "couldn't find key AWS_ACCESS_KEY_ID in Secret team/s3"),
    }
    told = {
        "imageless": ("ImagePull", "correct `image`, or set `imagePullSecrets`"),
        "secretless": ("SecretMissing", "create it in the namespace of the pipeline"),
        "keyless": ("PodConfig", "AWS_ACCESS_KEY_ID"),
        "gpuless": ("Unschedulable", "nodes are available"),
    }
    gpu = [{"name": "clips", "clip": {"by": "length"}, "shards": 1, "gpu": {"products": ["NVIDIA-NONE"]}}]
    desk.kubelet.waiting, desk.kubelet.gpus = kubelets_words, False
    user = f"system:serviceaccount:{desk.namespace}:reelmill-operator"
    with running(config, namespaces=(desk.namespace,), resync_seconds=1) as one:
        for name in kubelets_words:
            desk.apply(named(name))
        desk.apply(named("gpuless", stages=gpu))
        for name, (reason, words) in told.items():
            until(lambda name=name, reason=reason: reconciling(desk, name)[0] == reason, 60, f"{reason} of {name}")
            assert words in reconciling(desk, name)[1]
        jobs = len(desk.jobs())
        until(lambda: writes_nothing(one, defined, user), 120, "three lists without a write")
        assert len(desk.jobs()) == jobs
        desk.kubelet.waiting, desk.kubelet.gpus = {}, True
        for name in told:
            desk.wait_for("Complete", name)


def test_a_bucket_that_does_not_exist_is_reported_and_used_once_it_exists(desk: Desk, config: Path) -> None:
    desk.kubelet.store.exits["", "survey"] = [64] * 1000
    moment = [datetime.now(UTC)]  # the survey is tried again after a minute, which three lists may take
    now = lambda: moment[0]  # noqa: E731
    with running(config, now=now, namespaces=(desk.namespace,), resync_seconds=1) as one:
        desk.apply(resource())
        desk.wait_for("Failed")
        assert "on purpose; mend it" in desk.status().condition("Stalled").message  # type: ignore[union-attr]
        lists = one.operator.metrics.resyncs._value
        listed = lists.get()
        until(lambda: lists.get() >= listed + 3, 60, "three lists")
        assert len(desk.jobs()) == 1, "no storm"
        desk.kubelet.store.exits.clear()
        moment[0] = datetime.now(UTC) + timedelta(minutes=2)
        desk.wait_for("Complete")
