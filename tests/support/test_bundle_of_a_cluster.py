"""The bundle of a pipeline in a cluster, from a server with credentials in every field that can carry one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.pods_that_speak import BASE, Server, speaking
from cli.terminal import Said, reelmill
from reelmill.schema.crd import crd
from support.opened import manifest, opened

CANARY = "canary-5d1e"
URL = f"https://me:{CANARY}-pw@host.example/x?X-Amz-Signature={CANARY}-sig"
UID = "0d6f0294-0000-4000-8000-b1d57892e2aa"
POD = "demo-clips-0123456789-s1-0-abcde"
ENV = [
    {"name": "LEVEL", "value": f"{CANARY}-literal"},
    {"name": "REELMILL_TASK", "value": json.dumps({"x": f"{CANARY}-task"})},
    {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "variable", "key": "TOKEN"}}},
]
NOTES = {
    "example.test/webhook": f"{CANARY}-annotation",
    "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"env": ENV}),
    "reelmill.dev/retry": "2f9a clips",
}
LINES = [
    json.dumps({"level": "error", "msg": f"Authorization: Bearer {CANARY}-bearer", "token": f"{CANARY}-field"}),
    f"GET {URL} failed",
    f"LEVEL is {CANARY}-literal",
    f"AWS4-HMAC-SHA256 Credential={CANARY}-cred/x, Signature={CANARY}-sig",
    "the last line",
]


def meta(name: str, **more: Any) -> dict[str, Any]:
    found = {"name": name, "namespace": "video", "uid": UID, "annotations": NOTES, "managedFields": [{"x": CANARY}]}
    return {**found, "creationTimestamp": "2026-11-01T10:00:00Z", **more}


def container(image: str) -> dict[str, Any]:
    return {
        "name": "stage",
        "image": image,
        "env": ENV,
        "args": ["--password", f"{CANARY}-arg", f"--key={CANARY}-arg"],
        "resources": {},
    }


@pytest.fixture
def server() -> Iterator[Server]:
    """A pipeline with a Job, a pod that failed, events, and an operator."""
    with speaking() as one:
        one.objects[f"{BASE}/demo"] = {
            "apiVersion": "reelmill.dev/v1alpha1",
            "kind": "VideoPipeline",
            "metadata": meta("demo"),
            "spec": {
                "store": {"uri": "s3://out/demo", "endpoint": URL, "secretRef": {"name": "store"}},
                "defaults": {"env": ENV[:1]},
                "sources": [{"name": "raw", "files": {"uri": "s3://in/videos/"}}],
                "stages": [
                    {"name": "clips", "clip": {"by": "length"}},
                    {"name": "own", "run": {"entrypoint": "mine:Own", "params": {"login": f"{CANARY}-param"}}},
                ],
            },
            "status": {"store": URL, "conditions": [{"type": "Failed", "status": "True", "message": f"no: {URL}"}]},
        }
        labels = {"reelmill.dev/stage": "clips", "reelmill.dev/step": "shards", "reelmill.dev/uid": UID}
        pod = {"containers": [container("reelmill-stages:1")], "nodeName": "node-1"}
        state = {"terminated": {"exitCode": 64, "message": f"no: {URL}"}}
        statuses = [{"name": "stage", "state": state}]
        conditions = [{"type": "Ready", "status": "False", "reason": "PodFailed"}]
        operator = meta("reelmill-operator", namespace="system")
        settings = [{"name": "REELMILL_RESYNC_SECONDS", "value": "60"}, {"name": "HTTPS_PROXY", "value": URL}]
        one.lists = {
            "jobs": [
                {
                    "metadata": meta("demo-clips", labels=labels),
                    "spec": {"completions": 3, "template": {"spec": pod}},
                    "status": {"failed": 1},
                }
            ],
            "pods": [
                {
                    "metadata": meta(POD, labels=labels),
                    "spec": pod,
                    "status": {"phase": "Failed", "containerStatuses": statuses, "conditions": conditions},
                }
            ],
            "events": [
                {
                    "metadata": meta("event"),
                    "involvedObject": {"kind": "Pod", "name": POD},
                    "type": "Warning",
                    "reason": "Failed",
                    "message": f'Get "{URL}": unauthorized',
                }
            ],
            "deployments": [
                {
                    "metadata": operator,
                    "spec": {
                        "replicas": 1,
                        "template": {"spec": {"containers": [{**container("operator:1"), "env": [*settings, *ENV]}]}},
                    },
                    "status": {"readyReplicas": 1},
                }
            ],
        }
        one.logs = {POD: LINES}
        one.objects["/version"] = {"gitVersion": "v1.34.4"}
        definition = crd()
        where = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition['metadata']['name']}"
        one.objects[where] = definition
        yield one


def bundle(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Said]:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MODEL_API_KEY", f"{CANARY}-of-this-machine")
    path = folder / "bundle.tar.gz"
    return path, reelmill("support-bundle", "demo", "-o", path, "--kubeconfig", server.kubeconfig(folder))


def test_020_f05_it_holds_what_a_bug_report_needs(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, said = bundle(server, tmp_path, monkeypatch)
    assert said.code == 0, said.err
    found = opened(path)
    assert json.loads(found["pipeline.json"])["status"]["conditions"][0]["type"] == "Failed"
    assert json.loads(found["pipeline.json"])["metadata"]["annotations"]["reelmill.dev/retry"] == "2f9a clips"
    (job,) = json.loads(found["jobs.json"])
    assert (job["spec"], job["status"]) == ({"completions": 3}, {"failed": 1})
    assert job["pod"]["containers"][0]["variables"] == ["LEVEL", "REELMILL_TASK", "TOKEN"]
    (pod,) = json.loads(found["pods.json"])
    assert pod["status"]["conditions"][0]["reason"] == "PodFailed"
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 64
    (event,) = json.loads(found["events.json"])
    assert event["reason"] == "Failed"
    assert found[f"logs/{POD}.log"].endswith("the last line\n")
    assert found["status.txt"].startswith("demo  ")
    assert "demo" in found["why.txt"]
    operator = json.loads(found["operator/system-reelmill-operator/deployment.json"])
    assert operator["containers"][0]["image"] == "operator:1"
    assert operator["containers"][0]["settings"]["REELMILL_RESYNC_SECONDS"] == "60"
    assert operator["containers"][0]["settings"]["HTTPS_PROXY"] == "[removed]"
    (version,) = json.loads(found["cluster/definition.json"])["versions"]
    assert version["schema"] == version["schemaOfThisProgram"]
    assert json.loads(found["cluster/version.json"]) == {"gitVersion": "v1.34.4"}
    assert json.loads(found["machine.json"])["packages"]["reelmill"]
    assert manifest(path)["files"] == sorted(set(found) - {"manifest.json"})


def test_020_f05_no_credential_is_in_it(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, said = bundle(server, tmp_path, monkeypatch)
    texts = {**opened(path), "what the command says": said.out + said.err}
    assert {name: text for name, text in texts.items() if CANARY in text} == {}
    assert b"canary" not in path.read_bytes()


def test_what_cannot_be_read_is_listed_and_the_rest_is_there(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.logs.clear()
    server.objects["/version"] = {"items": None}
    server.lists["deployments"] = []
    path, said = bundle(server, tmp_path, monkeypatch)
    assert said.code == 0
    unread = manifest(path)["unread"]
    assert "the kubelet is away" in unread[f"logs/{POD}.log"]
    assert "no Deployment has the labels of an operator" in unread["operator"]
    # The store is that of another place: its endpoint has a name and password, which no release accepts.
    assert "plan.json" in unread
    assert {"pipeline.json", "jobs.json", "pods.json", "events.json", "status.txt"} <= opened(path).keys()
    assert all(f"not read: {what}" in said.err for what in unread)


def test_rights_that_are_missing_cost_one_file_each(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.refused = {"pods", "deployments"}
    path, said = bundle(server, tmp_path, monkeypatch)
    assert said.code == 0
    unread = manifest(path)["unread"]
    assert {"pods.json", "operator"} <= unread.keys()
    assert "may not" in unread["pods.json"] or "forbidden" in unread["pods.json"].lower()
    assert json.loads(opened(path)["jobs.json"])
    assert json.loads(opened(path)["pods.json"]) == []


def test_a_pipeline_that_is_not_there_makes_no_bundle(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.refused = {"demo"}
    path, said = bundle(server, tmp_path, monkeypatch)
    assert said.code == 2
    assert not path.exists()
