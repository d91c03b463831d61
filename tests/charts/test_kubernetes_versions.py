"""Manifests and chart fit the schemas of three versions of Kubernetes, and kube-score finds no fault."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
import yaml

from charts.rendering import Json, chart, kustomize
from charts.schemas_home import SCHEMAS
from cluster import build
from cluster.unavailable import Unavailable

pytestmark = pytest.mark.control_plane
VERSIONS = ("1.33", "1.35", "1.37")
ON: Json = {"enabled": True}
EVERYTHING: Json = {
    "replicas": 2,
    "networkPolicy": ON,
    "admissionPolicy": ON,
    "policy": {"allowedImages": ["registry.example/**"], "maxPods": 100},
    "metrics": {"serviceMonitor": ON, "alerts": ON, "dashboard": ON},
    "extraVolumes": [{"name": "ca", "configMap": {"name": "ca"}}],
    "extraVolumeMounts": [{"name": "ca", "mountPath": "/etc/ca"}],
}
SETS: dict[str, Any] = {
    "the chart as it is": lambda: chart(),
    "the chart with everything": lambda: chart(EVERYTHING),
    "the chart in namespaces": lambda: chart({"scope": "namespaced", "namespaces": ["a", "b"]}),
    "cluster-wide manifests": lambda: kustomize("overlays/cluster-wide"),
    "namespaced manifests": lambda: kustomize("overlays/namespaced"),
    "the policy": lambda: kustomize("policy"),
}
OTHERS = ("CustomResourceDefinition", "ServiceMonitor", "PrometheusRule", "PodMonitor")
"""Kinds of others, and the definition, which holds a schema of its own that a real API server checks."""
CHECK = """\
import json, sys
import kubernetes_validate
documents, versions = json.load(sys.stdin)
for version in versions:
    for document in documents:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except Exception as problem:
            print(version, document["kind"], document["metadata"]["name"], getattr(problem, "message", problem))
print("checked", len(documents) * len(versions))
"""
IGNORED = {
    "container-image-pull-policy": "tags are versions, which do not move; `Always` needs the registry at each start",
    "deployment-replicas": "a second replica is a standby, which not everybody needs",
}


@pytest.mark.parametrize("name", SETS)
def test_every_object_fits_the_schemas_of_three_versions(name: str) -> None:
    try:
        folder = SCHEMAS.find()
    except Unavailable as problem:
        _missing(problem)
    documents = [one for one in SETS[name]().values() if one["kind"] not in OTHERS]
    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        env={**os.environ, "PYTHONPATH": str(folder)},
        input=json.dumps([documents, VERSIONS]),
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"checked {len(documents) * len(VERSIONS)}\n", done.stdout + done.stderr


@pytest.mark.parametrize("name", ["the chart as it is", "the chart with everything", "cluster-wide manifests"])
def test_kube_score_finds_no_fault(name: str) -> None:
    try:
        program = build.find(("kube-score",)) / "kube-score"
    except Unavailable as problem:
        _missing(problem)
    # Without a NetworkPolicy the first finding is that there is none; it is off by default, as CNIs may not know it.
    ignored = [*IGNORED, *([] if name == "the chart with everything" else ["pod-networkpolicy"])]
    found = [one for one in SETS[name]().values() if one["metadata"]["name"] != "reelmill-operator-test"]
    # A limit of CPU would slow the operator down when many pipelines change, and protect nobody.
    command = [str(program), "score", "--output-format", "ci", "--ignore-container-cpu-limit"]
    command += [*(f"--ignore-test={test}" for test in ignored), "-"]
    done = subprocess.run(command, input=yaml.safe_dump_all(found), capture_output=True, text=True)
    faults = [line for line in done.stdout.splitlines() if line.startswith(("[CRITICAL]", "[WARNING]"))]
    assert not faults
    assert "[OK]" in done.stdout


def _missing(problem: Unavailable) -> None:
    required = os.environ.get("REELMILL_REQUIRE", "")
    (pytest.fail if "control-plane" in required else pytest.skip)(str(problem))
