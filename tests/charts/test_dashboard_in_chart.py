"""The dashboard in the chart: off by default, with rights to read and no others."""

import json
from typing import Any

import pytest

from charts.rendering import NAMESPACE, Json, Refused, chart, container
from cluster.control_plane import ControlPlane
from reelmill.controller import rbac

pytestmark = pytest.mark.control_plane
NAME = "reelmill-dashboard"
DEPLOYMENT = f"Deployment/{NAME}"
IN_CLUSTER = {"dashboard": {"enabled": True}}
OF_BUCKET: Json = {
    "dashboard": {"enabled": True, "store": {"uri": "s3://footage/out", "endpoint": "https://s3.example:9000"}}
}


def test_it_is_off_unless_somebody_turns_it_on() -> None:
    assert not [name for name in chart() if "dashboard" in name]
    assert {name.partition("/")[0] for name in set(chart(IN_CLUSTER)) - set(chart())} == {
        "Deployment",
        "Service",
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
    }


def test_of_a_bucket_it_has_no_rights_and_no_token() -> None:
    found = chart(OF_BUCKET)
    assert not [name for name in found if "Role" in name and "dashboard" in name]
    pod = found[DEPLOYMENT]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    args = container(found[DEPLOYMENT])["args"]
    assert args[-2:] == ["--store=s3://footage/out", "--endpoint=https://s3.example:9000"]
    assert "--all-namespaces" not in args


def test_of_a_cluster_it_may_get_and_list_and_nothing_else() -> None:
    found = chart(IN_CLUSTER)
    rules = found[f"ClusterRole/{NAME}"]["rules"]
    assert rules == rbac.dashboard_rules()
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list"}
    assert not {"secrets", "configmaps"} & {resource for rule in rules for resource in rule["resources"]}
    (subject,) = found[f"ClusterRoleBinding/{NAME}"]["subjects"]
    assert (subject["name"], subject["namespace"]) == (NAME, NAMESPACE)
    assert "--all-namespaces" in container(found[DEPLOYMENT])["args"]


def test_of_one_namespace_it_has_a_role_there() -> None:
    found = chart({**IN_CLUSTER, "scope": "namespaced", "namespaces": ["video", "other"]})
    assert f"video/Role/{NAME}" in found
    assert not [name for name in found if name.startswith("ClusterRole")]
    assert "--namespace=video" in container(found[DEPLOYMENT])["args"]


def test_its_pod_is_restricted_and_writes_to_scratch_alone(control_plane: ControlPlane) -> None:
    for values in (IN_CLUSTER, OF_BUCKET):
        deployment = chart(values)[DEPLOYMENT]
        only = container(deployment)
        assert only["securityContext"]["readOnlyRootFilesystem"] is True
        assert {mount["mountPath"] for mount in only["volumeMounts"]} == {"/scratch", "/tmp"}
        pod: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "dashboard"},
            "spec": {**deployment["spec"]["template"]["spec"], "serviceAccountName": "default"},
        }
        restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
        with control_plane.client.namespace(labels=restricted) as name:
            where = f"/api/v1/namespaces/{name}/pods?dryRun=All"
            assert control_plane.client.json("POST", where, pod)["kind"] == "Pod"


def test_a_network_policy_lets_it_reach_the_store_and_the_api_server_only() -> None:
    on = {"networkPolicy": {"enabled": True, "storePorts": [9000], "dashboardFrom": [{"podSelector": {}}]}}
    for values, ports in ((IN_CLUSTER, [53, 53, 9000, 443, 6443]), (OF_BUCKET, [53, 53, 9000])):
        policy = chart({**values, **on})[f"NetworkPolicy/{NAME}"]["spec"]
        assert [port["port"] for rule in policy["egress"] for port in rule["ports"]] == ports
        assert policy["ingress"] == [{"ports": [{"port": "http", "protocol": "TCP"}], "from": [{"podSelector": {}}]}]


def test_a_network_policy_lets_it_reach_the_endpoints_of_its_variables() -> None:
    dashboard = {**IN_CLUSTER["dashboard"], "extraEnv": [{"name": "HF_ENDPOINT", "value": "http://hub.example:8080"}]}
    found = chart({"networkPolicy": {"enabled": True, "storePorts": [9000]}, "dashboard": dashboard})
    policy = found[f"NetworkPolicy/{NAME}"]["spec"]
    assert [port["port"] for rule in policy["egress"] for port in rule["ports"]] == [53, 53, 9000, 443, 6443, 8080]


def test_names_proxies_and_credentials_reach_it() -> None:
    given = {
        "allowedHosts": ["reels.example"],
        "trustedProxies": ["10.0.0.0/8"],
        "rootPath": "/reels",
        "credentialsSecret": "reader",
    }
    only = container(chart({"dashboard": {**IN_CLUSTER["dashboard"], **given}})[DEPLOYMENT])
    assert {"--allowed-host=reels.example", "--trusted-proxy=10.0.0.0/8", "--root-path=/reels"} <= set(only["args"])
    assert only["envFrom"] == [{"secretRef": {"name": "reader"}}]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"store": {"uri": "/folder"}}, "uri"),
        ({"store": {"endpoint": "s3.example"}}, "endpoint"),
        ({"rootPath": "reels"}, "rootPath"),
        ({"replicas": 2}, "replicas"),
        ({"image": {"digest": "latest"}}, "digest"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(values: Json, word: str) -> None:
    with pytest.raises(Refused, match=word):
        chart(json.loads(json.dumps({"dashboard": {"enabled": True, **values}})))
