"""A real Prometheus scrapes an operator that runs a pipeline: every query of the dashboard has an answer."""

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from cluster import build
from cluster.unavailable import Unavailable
from control_plane.operators import running, until
from control_plane.pipelines import Desk, resource
from reelmill.contract.records.usage import Usage, WorkSeconds
from repo.tree import ROOT
from servers.processes import free_ports

pytestmark = pytest.mark.control_plane
RULES = yaml.safe_load((ROOT / "manifests/observability/alerts.yaml").read_text())["spec"]


def queries() -> list[str]:
    dashboard: dict[str, Any] = json.loads((ROOT / "manifests/observability/dashboard.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


@contextmanager
def prometheus(folder: Path, operator: int) -> Iterator[str]:
    """The address of a Prometheus that looks at a port every second."""
    try:
        program = build.find(("prometheus",)) / "prometheus"
    except Unavailable as problem:
        required = os.environ.get("REELMILL_REQUIRE", "")
        (pytest.fail if "control-plane" in required else pytest.skip)(str(problem))
    (folder / "rules.yaml").write_text(yaml.safe_dump(RULES))
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    targets = [{"targets": [f"127.0.0.1:{operator}"]}]
    config = {
        "global": every,
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "reelmill", "static_configs": targets}],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    (port,) = free_ports(1)
    command = [str(program), "--config.file=prometheus.yaml", f"--storage.tsdb.path={folder / 'data'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(120)


def asked(address: str, path: str, **query: str) -> Any:
    with urllib.request.urlopen(f"{address}/api/v1/{path}?{urlencode(query)}", timeout=120) as answer:
        found = json.load(answer)
    assert found["status"] == "success"
    return found["data"]


def answers(address: str, query: str) -> list[Any]:
    try:
        return list(asked(address, "query", query=query.replace("$__rate_interval", "30s"))["result"])
    except OSError:
        return []  # It does not listen yet.


def test_every_query_of_the_dashboard_has_an_answer_after_a_run(desk: Desk, config: Path, tmp_path: Path) -> None:
    work = WorkSeconds(decode=30.0, compute=60.0)
    desk.kubelet.store.usage = Usage(
        cpu_seconds=90.0, gpu_seconds=5.0, gpu_decoder_seconds=3.0, pod_seconds=100.0, bytes_read=10**6, work=work
    )
    (port,) = free_ports(1)
    listen = f"127.0.0.1:{port}"
    with running(config, namespaces=(desk.namespace,), listen=listen), prometheus(tmp_path, port) as address:
        desk.apply(resource())
        desk.wait_for("Complete")
        complete = 'reelmill_pipelines{condition="Complete"} == 1'
        until(lambda: answers(address, complete), 60, "the run in Prometheus")
        for query in queries():
            until(lambda query=query: answers(address, query), 60, query)
        (done,) = answers(address, 'reelmill_stage_items{type="clip",outcome="done"}')
        assert done["value"][1] == "6"
        (decoded,) = answers(address, 'reelmill_stage_worker_seconds{type="clip",activity="decode"}')
        assert (decoded["metric"]["pipeline_namespace"], decoded["value"][1]) == (desk.namespace, "30")
        (group,) = asked(address, "rules")["groups"]
        assert {rule["health"] for rule in group["rules"]} == {"ok"}
        assert {rule["name"] for rule in group["rules"]} == {rule["alert"] for rule in RULES["groups"][0]["rules"]}
        assert not [rule["name"] for rule in group["rules"] if rule["state"] == "firing"]
