"""The admission policy on a real API server: it refuses what the planner refuses, and nobody gets around it."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.client import ApiError, Client
from cluster.control_plane import ControlPlane
from control_plane.operators import running
from control_plane.pipelines import Desk, resource
from control_plane.symbolic_kubelet import NOWHERE
from policy_cases import CASES, Case
from reelmill.contract.policy.model import Policy
from reelmill.schema.admission import admission_policy, binding, parameters

pytestmark = pytest.mark.control_plane
KIND = "reelmill.dev/v1alpha1/VideoPipeline"
Json = dict[str, Any]


MARKER = {
    "expression": "object.metadata.name != 'marker' || !has(params.data) || !('marker' in params.data)",
    "messageExpression": "string(params.data.marker)",
}
"""Tells which parameters the API server has seen."""


class Guarded:
    """A namespace that an admission policy of its own guards, so that other tests do not notice it."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.client, self.namespace = client, namespace
        self.name = f"policy-{uuid.uuid4().hex[:8]}"

    def install(self) -> None:
        policy, bound = admission_policy(self.name), binding(self.name, self.namespace)
        only = {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}
        policy["spec"]["validations"].insert(0, MARKER)
        bound["spec"]["matchResources"] = {"namespaceSelector": only}
        self.client.apply([policy, bound])
        kind = f"{policy['apiVersion']}/ValidatingAdmissionPolicy"
        checked = lambda found: "typeChecking" in (found.get("status") or {})  # noqa: E731
        found = self.client.wait_for(kind, self.name, "", checked, 60)
        assert not found["status"]["typeChecking"].get("expressionWarnings")

    def remove(self) -> None:
        for kind in ("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"):
            self.client.delete(f"admissionregistration.k8s.io/v1/{kind}", self.name)

    def set(self, policy: Json) -> None:
        """Give the policy its parameters, and wait until the API server has noticed."""
        marker = f"m{uuid.uuid4().hex[:8]}"
        data = {**parameters(Policy.model_validate(policy)), "marker": marker}
        document = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "data": data,
        }
        self.client.apply(document)
        self.client.wait(lambda: marker in self.refusal(named("marker")), 30, "the parameters to arrive")

    def refusal(self, document: Json) -> str:
        """What the API server says against a pipeline; empty: it takes it."""
        try:
            self.client.create(document, self.namespace, dry_run=True)
        except ApiError as error:
            return error.message
        return ""


def named(name: str, **spec: Any) -> Json:
    document = Case("", {}, spec).resource
    document["metadata"] = {"name": name}
    return document


@pytest.fixture(scope="module")
def guarded(defined: ControlPlane) -> Iterator[Guarded]:
    with defined.client.namespace("guarded") as namespace:
        one = Guarded(defined.client, namespace)
        one.install()
        yield one
        one.remove()


def test_it_refuses_what_the_planner_refuses(guarded: Guarded) -> None:
    given: Json | None = None
    for case in sorted(CASES, key=lambda case: str(case.policy)):
        if case.policy != given:
            guarded.set(given := case.policy)
        document = case.resource
        document["metadata"] = {"name": "demo"}
        said = guarded.refusal(document)
        assert bool(said) == bool(case.where), f"{case.name}: {said!r}"
        if said:
            assert "the policy of the reelmill operator does not allow" in said
            assert any(f"(policy.{field})" in said for field in (*case.policy, "allowedVariables")), said


FOREIGN = {"defaults": {"image": "evil.example/app"}}


@pytest.fixture
def strict(guarded: Guarded) -> Iterator[Client]:
    """An author of pipelines in the namespace, who may do everything there but change its ConfigMaps; only one
    registry is allowed."""
    author = guarded.client.as_account(guarded.namespace, "author")
    group = {"apiGroups": ["reelmill.dev"], "resources": ["*"], "verbs": ["*"]}
    role = {"name": "author", "namespace": guarded.namespace}
    api = "rbac.authorization.k8s.io"
    guarded.client.apply(
        [
            {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": role, "rules": [group]},
            {
                "apiVersion": f"{api}/v1",
                "kind": "RoleBinding",
                "metadata": role,
                "roleRef": {"apiGroup": api, "kind": "Role", "name": "author"},
                "subjects": [{"kind": "ServiceAccount", "name": "author", "namespace": guarded.namespace}],
            },
        ]
    )
    guarded.set({"allowedImages": ["registry.example/**"]})
    guarded.client.wait(lambda: author.list(KIND, guarded.namespace) == [], 30, "the author's rights")
    yield author
    for each in guarded.client.list(KIND, guarded.namespace):
        guarded.client.delete(KIND, each["metadata"]["name"], guarded.namespace)


def test_no_verb_and_no_subresource_gets_around_it(guarded: Guarded, strict: Client) -> None:
    space, refused = guarded.namespace, pytest.raises(ApiError, match=r"policy\.allowedImages")
    made = strict.create(named("mine"), space)
    with refused:
        strict.create(named("theirs", **FOREIGN), space)
    with refused:
        strict.apply(named("theirs", **FOREIGN), space)
    with refused:
        strict.apply(named("mine", **FOREIGN), space)
    with refused:
        strict.patch(KIND, "mine", {"spec": FOREIGN}, space)
    add = [{"op": "add", "path": "/spec/defaults", "value": FOREIGN["defaults"]}]
    with refused:
        strict.patch(KIND, "mine", add, space, how="application/json-patch+json")  # type: ignore[arg-type]
    with refused:
        strict.json("PUT", strict.path(KIND, space, "mine"), {**made, "spec": {**made["spec"], **FOREIGN}})
    generated = {**named("x", **FOREIGN), "metadata": {"generateName": "any-"}}
    with refused:
        strict.json("POST", strict.path(KIND, space), generated)
    strict.patch(KIND, "mine", {"spec": FOREIGN, "status": {"run": 1}}, space, part="status")
    assert "defaults" not in strict.get(KIND, "mine", space)["spec"], "the status is no way to the spec"
    with pytest.raises(ApiError) as forbidden:
        strict.patch("v1/ConfigMap", guarded.name, {"data": {"allowedImages": ".*"}}, space)
    assert forbidden.value.code == 403


def test_what_was_accepted_before_keeps_its_metadata_and_gets_no_new_spec(guarded: Guarded, strict: Client) -> None:
    guarded.set({})
    strict.create(named("old", **FOREIGN), guarded.namespace)
    guarded.set({"allowedImages": []})
    noted = {"metadata": {"annotations": {"note": "n"}, "finalizers": ["reelmill.dev/data"]}}
    strict.patch(KIND, "old", noted, guarded.namespace)
    with pytest.raises(ApiError, match=r"policy\.allowedImages"):
        strict.patch(KIND, "old", {"spec": {"suspend": False}}, guarded.namespace)
    strict.patch(KIND, "old", {"metadata": {"finalizers": []}}, guarded.namespace)
    strict.patch(KIND, "old", {"spec": {"defaults": None}}, guarded.namespace)


def test_without_its_parameters_nothing_is_accepted(guarded: Guarded, strict: Client) -> None:
    guarded.client.delete("v1/ConfigMap", guarded.name, guarded.namespace)
    guarded.client.wait(lambda: guarded.refusal(named("mine")), 30, "a refusal")
    guarded.set({})
    assert guarded.refusal(named("mine")) == ""


def test_the_operator_starts_nothing_that_its_policy_does_not_allow(desk: Desk, config: Path) -> None:
    """Without the admission policy: the API server takes the pipeline."""
    policy = Policy.model_validate({"allowedServiceAccounts": ["video-*"], "maxPods": 100})
    with running(config, namespaces=(desk.namespace,), policy=policy):
        desk.apply(resource(defaults={"serviceAccountName": "admin", "nodeSelector": NOWHERE}))
        desk.wait_for("Failed")
        accepted = desk.status().condition("Accepted")
        assert accepted
        assert accepted.reason == "PolicyViolation"
        assert "spec.defaults.serviceAccountName: the service account admin is not allowed" in accepted.message
        assert not desk.jobs()
        desk.edit({"spec": {"defaults": {"serviceAccountName": None}}})
        desk.wait_for("Complete")
