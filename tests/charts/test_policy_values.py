"""The chart's `policy` reaches the operator and the admission policy, and says the same to both."""

import os
from unittest.mock import patch

import pytest

from charts.rendering import NAMESPACE, Json, Refused, chart, environment, kustomize
from policy_cases import CASES
from reelmill.contract.policy.model import Policy
from reelmill.controller.settings import read
from reelmill.schema.admission import admission_policy, binding, parameters

pytestmark = pytest.mark.control_plane
NAME = "reelmill-operator"
EVERY_FIELD: Json = {
    "allowedImages": ["registry.example/team/*", "a.b:1@sha256-*", "c/**/d"],
    "allowedServiceAccounts": [],
    "allowedSecrets": ["video-*"],
    "allowedServers": ["https://minio.example:9000"],
    "allowedPriorityClasses": ["batch"],
    "allowedRuntimeClasses": ["nvidia"],
    "allowedTolerations": ["**"],
    "allowedQueues": ["video"],
    "allowedNodes": {"pool": ["video", "video-gpu"], "cloud.example/zone": ["a"]},
    "refusedFields": ["affinity", "imagePullPolicy"],
    "maxResources": {"cpu": 16, "memory": "64Gi", "nvidia.com/gpu": 2, "ephemeral-storage": 2**36},
    "maxParallelism": 1000,
    "maxPods": 320000,
    "maxShards": 100000,
}
POLICIES = [{}, EVERY_FIELD, *{str(case.policy): case.policy for case in CASES}.values()]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: ",".join(policy)[:40] or "none")
def test_both_get_the_same_bounds(policy: Json) -> None:
    found = chart({"policy": policy, "admissionPolicy": {"enabled": True}})
    variables = environment(found[f"Deployment/{NAME}"])
    with patch.dict(os.environ, {name: value for name, value in variables.items() if name == "REELMILL_POLICY"}):
        read_back = read().policy
    assert read_back == Policy.model_validate(policy)
    assert (found[f"ConfigMap/{NAME}"].get("data") or {}) == parameters(read_back)


def test_admission_is_off_unless_asked_for_and_is_the_generated_one() -> None:
    assert not [name for name in chart() if "Admission" in name or name.startswith("ConfigMap")]
    found = chart({"admissionPolicy": {"enabled": True, "actions": ["Warn", "Audit"]}})
    assert found[f"ValidatingAdmissionPolicy/{NAME}"]["spec"] == admission_policy(NAME)["spec"]
    bound = found[f"ValidatingAdmissionPolicyBinding/{NAME}"]["spec"]
    assert bound == {**binding(NAME, NAMESPACE)["spec"], "validationActions": ["Warn", "Audit"]}


def test_the_namespaces_of_a_namespaced_release_are_guarded_and_no_others() -> None:
    found = chart({"scope": "namespaced", "namespaces": ["a", "b"], "admissionPolicy": {"enabled": True}})
    selector = found[f"ValidatingAdmissionPolicyBinding/{NAME}"]["spec"]["matchResources"]["namespaceSelector"]
    (term,) = selector["matchExpressions"]
    assert (term["operator"], term["values"]) == ("In", ["a", "b"])


def test_the_manifests_have_the_same_policy() -> None:
    found = kustomize("policy")
    assert found[f"ValidatingAdmissionPolicy/{NAME}"]["spec"] == admission_policy(NAME)["spec"]
    assert found[f"ValidatingAdmissionPolicyBinding/{NAME}"]["spec"] == binding(NAME, NAMESPACE)["spec"]
    assert set(found[f"ConfigMap/{NAME}"]["data"]) <= set(parameters(Policy.model_validate(EVERY_FIELD)))


@pytest.mark.parametrize(
    ("policy", "word"),
    [
        ({"allowedImage": []}, "allowedImage"),
        ({"allowedImages": ["(a|b)"]}, "allowedImages"),
        ({"allowedNodes": {"pool": []}}, "allowedNodes"),
        ({"allowedNodes": {"po|ol": ["a"]}}, "allowedNodes"),
        ({"refusedFields": ["image"]}, "refusedFields"),
        ({"maxShards": 0}, "maxShards"),
        ({"maxResources": {"cpu": "many"}}, "maxResources"),
    ],
)
def test_a_wrong_policy_is_refused_by_its_name(policy: Json, word: str) -> None:
    with pytest.raises(Refused, match=word):
        chart({"policy": policy})
