"""What the definition cannot refuse and the cluster does: told within a minute, with what to do, and mended alone."""

from pathlib import Path
from typing import Any

import pytest

from control_plane.operators import running, until
from control_plane.pipelines import Desk, resource

pytestmark = pytest.mark.control_plane


def reconciling(desk: Desk, name: str) -> tuple[str, str]:
    found = desk.status(name).condition("Reconciling")
    return (found.reason, found.message) if found else ("", "")


def named(name: str, **spec: Any) -> dict[str, Any]:
    """A pipeline with a store of its own."""
    return resource(name, store={"uri": f"s3://out/{name}"}, **spec)


def test_pods_without_a_node_or_without_an_account_are_told_and_go_on_when_that_is_mended(
    desk: Desk, config: Path
) -> None:
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


def test_a_quota_that_refuses_the_job_is_told_in_its_words_and_lifted_without_a_hand(desk: Desk, config: Path) -> None:
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
