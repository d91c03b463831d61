"""The operator's policy: what a pipeline may ask for, what becomes of one that asks for more, and what pods get."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from policy_cases import CASES, Case
from reelmill.contract.errors import SpecError
from reelmill.contract.model import camel
from reelmill.contract.policy.model import Policy, expression, matches
from reelmill.contract.policy.rules import NAMES
from reelmill.contract.policy.servers import AWS, is_url, server, server_of
from reelmill.contract.spec.pipeline import VideoPipeline
from reelmill.contract.spec.s3 import S3, StoreSpec
from reelmill.contract.task import Connection, StoreRef
from reelmill.plan import DeleteJob, Plan, PlannerSettings, SetFinalizers, Snapshot, reconcile
from reelmill.plan.deletion import FINALIZER
from reelmill.plan.policy import violations
from reelmill_stages.store.hub.address import DEFAULT
from reelmill_stages.store.open import connection_to, split_uri
from reelmill_stages.store.web.rules import origin
from simulated_cluster import START, SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

CLIPS = [{"name": "clips", "clip": {"by": "length"}, "shards": 2, "image": "own:1"}]


def policy(**given: Any) -> PlannerSettings:
    return PlannerSettings(policy=Policy.model_validate(given))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_pipeline_is_held_to_the_policy(case: Case) -> None:
    spec = VideoPipeline.model_validate(case.resource).spec
    found = violations(spec, Policy.model_validate(case.policy))
    assert [each.where for each in found] == ([case.where] if case.where else [])
    assert all("by the operator's policy" in str(each) and "policy." in each.hint for each in found)


@pytest.mark.parametrize("mark", ["\\", " ", "\t", "\n", "'", '"', "<", "?", "#", "\\@", "\0"])
def test_no_server_passes_for_another_by_marks_that_clients_read_differently(mark: str) -> None:
    url = f"https://evil.example{mark}.models:8000"
    connection = {"uri": "s3://out", "endpoint": url}
    for fields in (
        {"store": connection},
        {"sources": [{"name": "raw", "files": {"uri": "s3://in/"}, "s3": {"endpoint": url}}]},
        {"stages": [{"name": "looked", "caption": {"server": {"url": url}, "model": "m", "prompt": "p"}}]},
    ):
        with pytest.raises(ValidationError, match=r"must not contain|should match pattern"):
            VideoPipeline.model_validate(Case("", {}, fields).resource)


def test_every_field_of_the_policy_is_in_the_table() -> None:
    refused = {field for case in CASES if case.where for field in case.policy}
    assert refused == {camel(name) for name in Policy.model_fields}
    assert {rule.field for rule in NAMES} <= set(Policy.model_fields)


PATTERNS = st.lists(st.text("ab.*/:-", min_size=1, max_size=8), max_size=3)


@given(PATTERNS, st.text("ab.*/:-\n", max_size=10))
def test_a_pattern_stands_for_whole_names_and_a_star_for_no_slash(patterns: list[str], name: str) -> None:
    assert matches(patterns, name) == (bool(patterns) and re.fullmatch(expression(patterns), name) is not None)
    for pattern in patterns:
        if "*" not in pattern:
            assert matches([pattern], name) == (pattern == name)
        elif "**" not in pattern and matches([pattern], name):
            assert pattern.count("/") == name.count("/")


def test_a_pipeline_that_breaks_the_policy_says_so_and_starts_nothing() -> None:
    cluster = SimulatedCluster(pipeline(CLIPS), SymbolicStore(bucket={"raw": ["v"]}))
    cluster.settings = policy(allowedImages=["registry.example/*"])
    cluster.settle()
    accepted, stalled = cluster.status.condition("Accepted"), cluster.status.condition("Stalled")
    assert accepted
    assert stalled
    assert (accepted.status, accepted.reason) == ("False", "PolicyViolation")
    assert "spec.stages[0].image: the image own:1 is not allowed" in stalled.message
    assert "policy.allowedImages" in stalled.message
    assert cluster.status.holds("Failed")
    assert not cluster.created


def test_a_policy_that_becomes_narrower_ends_the_pods_and_a_wider_one_continues_them() -> None:
    cluster = SimulatedCluster(pipeline(CLIPS), SymbolicStore(bucket={"raw": ["v1", "v2"]}))
    cluster.reconcile()
    while not [name for name in cluster.live() if "-clips-" in name]:
        for name in cluster.live():
            cluster.advance(name)
        cluster.deliver_all()
        cluster.reconcile()
    narrow, open_ = policy(allowedImages=[]), cluster.settings
    cluster.settings = narrow
    cluster.reconcile()
    assert not cluster.live()
    again = cluster.reconcile()
    assert not again.actions
    assert not again.events
    cluster.settings = open_
    cluster.settle()
    assert cluster.status.holds("Complete")


def deleted(settings: PlannerSettings) -> Plan:
    whole = pipeline(CLIPS, onDelete="Delete", defaults={"image": "own:1"})
    snapshot = Snapshot(
        pipeline=whole, uid="u", generation=1, created=START, deleting=START, finalizers=(FINALIZER,), settings=settings
    )
    return reconcile(snapshot, START)


def test_the_pod_that_removes_data_is_held_to_the_policy_and_the_data_are_kept() -> None:
    assert [type(action).__name__ for action in deleted(policy()).actions] == ["CreateJob"]
    plan = deleted(policy(allowedImages=[]))
    assert plan.actions == (SetFinalizers(()),)
    (event,) = plan.events
    assert event.reason == "DataKept"
    assert "the image own:1 is not allowed" in event.message
    assert not [action for action in plan.actions if isinstance(action, DeleteJob)]


def pods(settings: PlannerSettings, **spec: Any) -> list[dict[str, Any]]:
    cluster = SimulatedCluster(pipeline([{**CLIPS[0], **spec}]), SymbolicStore(bucket={"raw": ["v1", "v2"]}))
    cluster.settings = settings
    cluster.settle()
    assert cluster.status.holds("Complete")
    return [job["spec"]["template"]["spec"] for job in cluster.jobs.values()]


def test_every_pod_is_bound_to_the_allowed_nodes() -> None:
    for pod in pods(policy(allowedNodes={"pool": ["video"], "zone": ["a", "b"]}), gpu={"products": ["L4"]}):
        node = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        for alternative in node["nodeSelectorTerms"]:
            assert {"key": "pool", "operator": "In", "values": ["video"]} in alternative["matchExpressions"]
            assert {"key": "zone", "operator": "In", "values": ["a", "b"]} in alternative["matchExpressions"]


def test_every_alternative_of_a_users_affinity_is_bound() -> None:
    expressions = [{"key": "disk", "operator": "Exists"}]
    own = {"nodeSelectorTerms": [{"matchExpressions": expressions}, {"matchFields": []}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": own}}
    bound = [
        pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
        for pod in pods(policy(allowedNodes={"pool": ["video"]}), affinity=affinity)
    ]
    assert all("pool" in str(alternative) for alternatives in bound for alternative in alternatives)
    assert any(len(alternatives) == 2 for alternatives in bound)


@pytest.mark.parametrize(
    "terms", ["x", ["x"], [None], [["a", "b"]], [{"matchExpressions": None}], [{"matchExpressions": "x"}], 1, {"a": 1}]
)
def test_an_affinity_of_another_form_is_the_api_servers_to_refuse(terms: Any) -> None:
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
    for pod in pods(policy(allowedNodes={"pool": ["video"]}), affinity=affinity):
        assert pod["affinity"] == affinity or "pool" in str(pod["affinity"])


def test_pods_get_the_maximum_where_a_pipeline_leaves_memory_or_scratch_open() -> None:
    settings = policy(maxResources={"memory": "4Gi", "ephemeral-storage": "10Gi", "cpu": 2})
    for pod in pods(settings):
        assert pod["containers"][0]["resources"]["limits"]["memory"] in ("4Gi", "512Mi")
        assert pod["volumes"][0]["emptyDir"] == {"sizeLimit": "10Gi"}
    limits = [
        pod["containers"][0]["resources"]["limits"] for pod in pods(settings, resources={"requests": {"memory": "1Gi"}})
    ]
    assert {"memory": "1Gi"} in limits


def test_without_a_policy_pods_are_as_they_were() -> None:
    assert pods(policy()) == pods(PlannerSettings())
    assert pods(policy(maxShards=2000, allowedImages=["own:*"])) == pods(PlannerSettings())


SCHEMES = st.sampled_from(["s3", "az", "gs", "hf", "https", "http", "file", ""])
HOSTS = st.text("ab.-:9[]@?#\\/ ", min_size=1, max_size=12)
ENDPOINTS = st.sampled_from([None, "http://a:9000", "https://b.example/path"])


@st.composite
def uris(draw: st.DrawFn) -> str:
    scheme = draw(SCHEMES)
    if scheme == "hf":
        return "hf://datasets/owner/name/x"
    if scheme == "file":
        return "file:///folder"
    return f"{scheme}://{draw(HOSTS)}/key" if scheme else "folder"


@given(
    uris(),
    ENDPOINTS,
    st.booleans(),
    st.sampled_from(["s3://out", "az://out", "gs://out", "data", "file:///d"]),
    ENDPOINTS,
)
def test_the_servers_of_the_policy_are_those_that_steps_connect_to(
    uri: str, own: str | None, connected: bool, store: str, endpoint: str | None
) -> None:
    connection = S3(endpoint=own) if connected else None
    named = server_of(uri, connection, StoreSpec(uri=store, endpoint=endpoint))
    try:
        root, _ = split_uri(uri)
        if is_url(uri):
            assert origin(named) == origin(root)
            return
    except SpecError:
        return  # nothing is connected to
    found = connection_to(
        uri,
        Connection(endpoint=own or "") if connected else None,
        StoreRef(uri=store, connection=Connection(endpoint=endpoint or "")),
    )
    usual = {"az": "https://*.blob.core.windows.net", "gs": "https://storage.googleapis.com", "hf": DEFAULT, "s3": AWS}
    scheme = root.partition("://")[0]
    assert named == (server(found.endpoint or usual[scheme]) if scheme in usual else "")
