"""The chart as helm renders it."""

import ast
import os
import subprocess
from unittest.mock import patch

import pytest
import yaml

from charts.rendering import CHART, NAMESPACE, Json, Refused, chart, container, environment, helm, program
from cluster.control_plane import ControlPlane
from reelmill.contract.spec.pipeline import API_VERSION, KIND, VideoPipeline
from reelmill.controller.settings import read
from reelmill.plan.definition.graph import resolve
from reelmill.plan.settings import PodExtras, QueueSystem
from repo.tree import ROOT

pytestmark = pytest.mark.control_plane
DEPLOYMENT = "Deployment/reelmill-operator"


def test_helm_finds_nothing_to_complain_about() -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART))


def test_the_charts_own_tests_pass() -> None:
    done = subprocess.run([str(program("helm-unittest")), "--strict", str(CHART)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 total" in done.stdout


def test_the_definition_is_the_generated_one_and_stays_when_the_chart_goes() -> None:
    found = chart()["CustomResourceDefinition/videopipelines.reelmill.dev"]
    assert found["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
    assert found == yaml.safe_load((ROOT / "manifests/crd/videopipelines.yaml").read_text())


def test_the_definition_can_go_with_the_chart_or_be_left_to_others() -> None:
    goes = chart({"crds": {"keep": False}})["CustomResourceDefinition/videopipelines.reelmill.dev"]
    assert goes == yaml.safe_load((ROOT / "manifests/crd/videopipelines.yaml").read_text())
    assert not [name for name in chart({"crds": {"install": False}}) if name.startswith("CustomResource")]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"replica": 2}, "replica"),
        ({"settings": {"worker": 8}}, "worker"),
        ({"metrics": {"service": {"enable": True}}}, "enable"),
        ({"stages": {"image": {"repositry": "x"}}}, "repositry"),
        ({"settings": {"workers": 0}}, "workers"),
        ({"settings": {"logLevel": "LOUD"}}, "logLevel"),
        ({"scope": "everywhere"}, "scope"),
        ({"image": {"digest": "sha256:short"}}, "digest"),
        ({"namespaces": ["a"]}, "scope"),
        ({"stages": {"queueSystem": "slurm"}}, "queueSystem"),
        ({"stages": {"podLabels": {"reelmill.dev/uid": "x"}}}, "reelmill.dev/uid"),
        ({"extraVolumes": [{}]}, "extraVolumes"),
        ({"replicas": 2, "leaderElection": {"enabled": False}}, "leaderElection"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(values: Json, word: str) -> None:
    with pytest.raises(Refused, match=word):
        chart(values)


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [("http://otel:4318", 4318), ("https://otel.example", 443), ("http://otel/base", 80), ("http://[::1]:99", 99)],
)
def test_an_operator_that_traces_may_reach_its_collector(endpoint: str, port: int) -> None:
    values: Json = {"networkPolicy": {"enabled": True}, "settings": {"tracesEndpoint": endpoint}}
    found = chart(values)
    (policy,) = [each for name, each in found.items() if name.startswith("NetworkPolicy/")]
    assert policy["spec"]["egress"][-1] == {"ports": [{"port": port, "protocol": "TCP"}]}
    assert environment(found[DEPLOYMENT])["REELMILL_TRACES_ENDPOINT"] == endpoint


@pytest.mark.parametrize(
    ("values", "ports"),
    [
        ({"settings": {"openlineage": "http://marquez:5000"}}, [5000]),
        ({"settings": {"openlineage": "/var/log/events.jsonl"}}, []),
        ({"extraEnv": [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://otel:4318"}]}, [4318]),
        ({"extraEnv": [{"name": "REELMILL_OPENLINEAGE", "value": "https://me@lineage.example/base"}]}, [443]),
        (
            {"extraEnv": [{"name": "HTTPS_PROXY", "value": "http://[fd00::1]:3128"}, {"name": "A", "value": "x"}]},
            [3128],
        ),
        ({"extraEnv": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}, []),
        (
            {
                "settings": {"openlineage": "http://marquez:5000", "tracesEndpoint": "http://otel:5000"},
                "extraEnv": [{"name": "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "value": "http://otel/v1/traces"}],
            },
            [5000, 80],
        ),
    ],
)
def test_an_operator_may_reach_every_server_that_its_settings_and_variables_name(
    values: Json, ports: list[int]
) -> None:
    found = chart({"networkPolicy": {"enabled": True}, **values})
    (policy,) = [each for name, each in found.items() if name.startswith("NetworkPolicy/")]
    _dns, _api_server, *more = policy["spec"]["egress"]
    assert [port["port"] for rule in more for port in rule["ports"]] == ports


def test_settings_become_the_operators_environment() -> None:
    settings = {"workers": 8, "writeRate": 12.5, "writeBurst": 100000, "logLevel": "DEBUG", "stagesGraceSeconds": 5}
    found = environment(chart({"settings": settings})[DEPLOYMENT])
    given = {
        "WORKERS": "8",
        "WRITE_RATE": "12.5",
        "WRITE_BURST": "100000",
        "LOG_LEVEL": "DEBUG",
        "STAGES_GRACE_SECONDS": "5",
    }
    assert {name: found[f"REELMILL_{name}"] for name in given} == given


def test_large_numbers_are_written_out() -> None:
    settings = {"wholeBytes": 2**36, "wholeItems": 1_000_000, "writeRate": 0.5}
    found = environment(chart({"settings": settings})[DEPLOYMENT])
    with patch.dict(os.environ, {name: str(found[name]) for name in found if "WHOLE" in name or "WRITE" in name}):
        made = read()
    assert (made.whole_bytes, made.whole_items, made.write_rate) == (2**36, 1_000_000, 0.5)


def test_two_releases_share_no_lease_and_no_name() -> None:
    one, other = (
        chart({"crds": {"install": False}, "rbac": {"aggregate": False}}, release="one"),
        chart(release="other"),
    )
    assert not set(one) & set(other)
    lease = environment(one["Deployment/one-operator"])["REELMILL_LEASE_NAME"]
    assert one["Role/one-operator-lease"]["rules"][1]["resourceNames"] == [lease]


def test_what_stage_pods_get_reaches_the_operator() -> None:
    stages = {"podLabels": {"team": "a"}, "podAnnotations": {"x.example/note": "n"}, "queueSystem": "volcano"}
    variables = environment(chart({"stages": {**stages, "schedulerName": "mine"}})[DEPLOYMENT])
    with patch.dict(os.environ, {name: value for name, value in variables.items() if isinstance(value, str)}):
        extras = read().planning.extras
    assert extras == PodExtras({"team": "a"}, {"x.example/note": "n"}, "mine", QueueSystem.VOLCANO)
    assert not [name for name in environment(chart()[DEPLOYMENT]) if "POD_" in name or "QUEUE" in name]


def test_artifact_hub_is_told_the_images_that_are_installed_and_an_example_that_is_valid() -> None:
    annotations = yaml.safe_load((CHART / "Chart.yaml").read_text())["annotations"]
    listed_images = {one["image"] for one in yaml.safe_load(annotations["artifacthub.io/images"])}
    found = environment(chart()[DEPLOYMENT])
    used = {found["REELMILL_STAGES_IMAGE"], found["REELMILL_EMBED_IMAGE"], container(chart()[DEPLOYMENT])["image"]}
    assert listed_images == used
    (definition,) = yaml.safe_load(annotations["artifacthub.io/crds"])
    assert definition["name"] in (CHART / "files/videopipelines.yaml").read_text()
    for example in yaml.safe_load(annotations["artifacthub.io/crdsExamples"]):
        resolve(VideoPipeline.model_validate(example).spec)


def test_the_notes_name_the_next_commands(control_plane: ControlPlane) -> None:
    access = ["--kubeconfig", str(control_plane.kubeconfig), "--namespace", NAMESPACE]
    # Other tests define the kind in this cluster too.
    install = helm("install", "reelmill", str(CHART), *access, "--dry-run=server", "--take-ownership")
    notes = install.partition("NOTES:")[2]
    assert f"helm -n {NAMESPACE} test reelmill" in notes
    assert "kubectl wait --for=condition=Complete" in notes


def test_the_chart_tests_itself_where_the_operator_serves() -> None:
    test = chart({"scope": "namespaced", "namespaces": ["a"]})["Pod/reelmill-operator-test"]
    (only,) = test["spec"]["containers"]
    assert {one["name"]: one.get("value") for one in only["env"]}["NAMESPACE"] == "a"
    assert only["image"].startswith("reelmill-stages:")
    compile(only["args"][0], "smoke.py", "exec")


def test_the_small_pipeline_of_the_charts_test_is_a_valid_one() -> None:
    script = (CHART / "files/smoke.py").read_text()
    (value,) = (
        node.value
        for node in ast.parse(script).body
        if isinstance(node, ast.Assign) and [getattr(name, "id", "") for name in node.targets] == ["SMALL"]
    )
    spec = eval(compile(ast.Expression(value), "smoke.py", "eval"), {"KEYS": ("A", "B")})
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "test", "namespace": "a"}, "spec": spec}
    resolve(VideoPipeline.model_validate(body).spec)
