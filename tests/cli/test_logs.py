"""`logs` by stage and shard: from pods over real HTTP, followed as they speak, and from the store without them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.cluster_cases import condition, job, pod, seen
from cli.pods_that_speak import BASE, Server, speaking
from cli.terminal import reelmill
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.spec.pipeline import VideoPipeline
from reelmill.plan.definition.graph import resolve
from reelmill.plan.definition.keys import keys

LINE = json.dumps({"ts": "2026-05-04T12:00:01.000Z", "level": "info", "msg": "committed", "done": 3, "shard": 4})


@pytest.fixture
def server() -> Iterator[Server]:
    with speaking() as server:
        resource = seen([condition("Reconciling")]).resource
        server.objects[f"{BASE}/demo"] = resource
        server.lists = {"jobs": [job()], "pods": [pod(0, "Running"), pod(1, "Running"), pod(2, "Pending")]}
        server.logs = {"demo-clips-x-0-abcde": [LINE], "demo-clips-x-1-abcde": ["no JSON", LINE]}
        yield server


def test_the_pods_of_a_stage_speak_by_their_logical_shards(server: Server, tmp_path: Path) -> None:
    config = server.kubeconfig(tmp_path)
    said = reelmill("logs", "demo", "--kubeconfig", config)
    assert said.out.splitlines() == [
        "12:00:01 clips/4 committed done=3",
        "clips/5 no JSON",
        "12:00:01 clips/5 committed done=3",
    ]
    assert {query["tailLines"][0] for query in server.asked} == {"20"}
    said = reelmill("logs", "demo", "-s", "clips", "--shard", 4, "--raw", "--kubeconfig", config)
    assert said.out.splitlines() == [LINE]
    assert "tailLines" not in server.asked[-1]


def test_logs_are_followed_until_all_who_speak_have_ended(server: Server, tmp_path: Path) -> None:
    said = reelmill("logs", "demo", "-f", "--tail", 5, "--kubeconfig", server.kubeconfig(tmp_path))
    assert (said.code, said.err) == (0, "")
    assert max(said.out.splitlines()) == "clips/5 no JSON"
    assert len(said.out.splitlines()) == 3
    assert {(*query["follow"], *query["tailLines"]) for query in server.asked} == {("true", "5")}


def test_logs_of_deleted_pods_are_read_from_the_store(server: Server, tmp_path: Path) -> None:
    server.lists["pods"] = []
    resource = server.objects[f"{BASE}/demo"]
    resource["spec"]["store"] = {"uri": str(tmp_path / "store")}
    spec = VideoPipeline.model_validate(
        {name: resource[name] for name in ("apiVersion", "kind", "metadata", "spec")}
    ).spec
    paths = DataSetPaths("clips", keys(spec, resolve(spec))["clips"]).segment(1)
    for shard, run in ((0, "3-aa"), (2, "3-bb"), (2, "7-cc")):
        path = tmp_path / "store" / paths.log(shard, run)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{{"msg": "{run} speaks"}}\n')
    config = server.kubeconfig(tmp_path)
    said = reelmill("logs", "demo", "-s", "clips", "--kubeconfig", config)
    assert said.out.splitlines() == ["clips/0 3-aa speaks", "clips/2 3-bb speaks", "clips/2 7-cc speaks"]
    said = reelmill("logs", "demo", "--shard", 0, "--kubeconfig", config)
    assert said.out.splitlines() == ["clips/0 3-aa speaks"]


def test_a_log_that_cannot_be_read_is_a_warning_and_the_others_are_shown(server: Server, tmp_path: Path) -> None:
    del server.logs["demo-clips-x-0-abcde"]
    said = reelmill("logs", "demo", "--kubeconfig", server.kubeconfig(tmp_path))
    assert "clips/5 committed" in said.out.splitlines()[-1]
    assert said.err.startswith("warning: pod demo-clips-x-0-abcde:")
