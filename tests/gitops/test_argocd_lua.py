"""Health and actions in Argo CD: what its Lua says of pipelines on their way."""

from collections.abc import Callable
from typing import Any

import pytest

from gitops.argocd import DEFINITIONS, act, health, offered
from kstatus_rules import kstatus
from reelmill.contract.status import Handled
from reelmill.plan.requests import pending
from reelmill.plan.status.serialise import as_json
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

Json = dict[str, Any]
SAME = {"InProgress": "Progressing", "Failed": "Degraded", "Current": "Healthy", "Terminating": "Progressing"}
STAGES: list[Json] = [
    {"name": "clips", "clip": {"by": "length"}, "shards": 2, "failures": {"tolerate": "0"}},
    {"name": "samples", "frames": {}},
]


def resource(cluster: SimulatedCluster, **metadata: Any) -> Json:
    status = as_json(cluster.status) if cluster.status.conditions else {}
    # Argo CD itself gives empty lists, which Lua cannot tell from empty maps, back as they were.
    spec = cluster.pipeline.spec.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    return {"metadata": {"name": "demo", "generation": 1, **metadata}, "spec": spec, "status": status}


def fine(cluster: SimulatedCluster) -> None:
    """Nothing happens."""


def losing(cluster: SimulatedCluster) -> None:
    cluster.store.failing["clips", "raw/v1"] = ["no_video"] * 9


def refused(cluster: SimulatedCluster) -> None:
    cluster.store.exits["", "survey"] = [64] * 9


@pytest.mark.parametrize("trouble", [fine, losing, refused])
def test_argo_cd_sees_what_kstatus_sees_at_every_step(trouble: Callable[[SimulatedCluster], None]) -> None:
    cluster = SimulatedCluster(pipeline(STAGES), SymbolicStore(bucket={"raw": ["v1", "v2"]}))
    trouble(cluster)
    seen = [health(resource(cluster))[0]]
    assert seen == ["Progressing"], "no status yet"
    for _ in range(40):
        cluster.deliver_all()
        cluster.reconcile()
        one = resource(cluster)
        status, message = health(one)
        assert status == SAME[kstatus(one)]
        assert message
        seen.append(status)
        for name in cluster.live():
            cluster.advance(name)
    assert seen[-1] == ("Healthy" if trouble is fine else "Degraded")
    assert "Progressing" in seen


def test_an_edit_that_nobody_has_seen_and_a_deletion_are_progress() -> None:
    cluster = SimulatedCluster(pipeline(STAGES), SymbolicStore(bucket={"raw": ["v1"]}))
    cluster.settle()
    assert health(resource(cluster))[0] == "Healthy"
    assert health(resource(cluster, generation=2)) == ("Progressing", "the operator has not seen the last change")
    gone = resource(cluster, deletionTimestamp="2026-01-01T00:00:00Z")
    assert health(gone) == ("Progressing", "it is being deleted")


def test_a_suspended_pipeline_is_suspended_and_a_complete_one_stays_healthy() -> None:
    cluster = SimulatedCluster(pipeline(STAGES, suspend=True), SymbolicStore(bucket={"raw": ["v1"]}))
    cluster.reconcile()
    assert health(resource(cluster)) == ("Suspended", "spec.suspend is true")
    assert offered(resource(cluster)) == {"resume"}
    cluster.edit(suspend=False)
    cluster.settle()
    assert offered(resource(cluster)) == {"refresh", "retry", "suspend"}
    cluster.edit(suspend=True)
    cluster.reconcile()
    assert health(resource(cluster))[0] == "Healthy"


def test_a_pipeline_that_has_spent_its_limit_is_suspended_and_says_so() -> None:
    cluster = SimulatedCluster(pipeline(STAGES, limits={"cost": 1}), SymbolicStore(bucket={"raw": ["v1"]}))
    cluster.reconcile()
    status, message = health(resource(cluster))
    assert status == "Suspended"
    assert "the operator has no prices" in message


def test_a_degraded_pipeline_says_why() -> None:
    cluster = SimulatedCluster(pipeline(STAGES), SymbolicStore(bucket={"raw": ["v1"]}))
    refused(cluster)
    for _ in range(20):
        cluster.deliver_all()
        cluster.reconcile()
        for name in cluster.live():
            cluster.advance(name)
    assert health(resource(cluster)) == ("Degraded", "on purpose; mend it")


@pytest.mark.parametrize("name", ["refresh", "retry"])
def test_a_request_is_a_new_token_that_the_operator_takes(name: str) -> None:
    cluster = SimulatedCluster(pipeline(STAGES), SymbolicStore(bucket={"raw": ["v1"]}))
    after = act(name, resource(cluster, annotations={"note": "n"}))
    assert after["metadata"]["annotations"]["note"] == "n"
    asked = getattr(pending(after["metadata"]["annotations"], Handled()), name)
    assert asked.token.startswith("argocd-20")
    assert after["spec"] == resource(cluster)["spec"]


def test_suspend_and_resume_edit_the_spec_and_nothing_else() -> None:
    before = resource(SimulatedCluster(pipeline(STAGES)))
    suspended = act("suspend", before)
    assert suspended == {**before, "spec": {**before["spec"], "suspend": True}}
    assert "suspend" not in act("resume", suspended)["spec"]
    assert set(DEFINITIONS) == {"refresh", "retry", "suspend", "resume"}
