"""The operator as a process on a laptop: `reelmill operator run`, for all namespaces, with probes and metrics."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from cluster.client import ApiError
from control_plane.operators import account, until
from control_plane.pipelines import Desk, resource
from servers.processes import free_ports

pytestmark = pytest.mark.control_plane


def test_reelmill_operator_run_serves_all_namespaces_and_answers_probes(desk: Desk, tmp_path: Path) -> None:
    config = account(desk.client, desk.namespace, tmp_path, cluster_wide=True)
    (port,) = free_ports(1)
    listen = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "reelmill.cli", "operator", "run", "--kubeconfig", str(config)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--listen", listen], stderr=log, env={**os.environ, "KUBECONFIG": "/none"}
        )
    try:
        desk.apply(resource())
        desk.wait_for("Complete", seconds=120)

        def response_text(path: str) -> str:
            with urllib.request.urlopen(f"http://{listen}{path}", timeout=120) as answer:
                return str(answer.read().decode())

        assert response_text("/healthz") == "ok"
        assert response_text("/readyz") == "ok"
        metrics = response_text("/metrics")
        assert 'reelmill_cache_objects{kind="VideoPipeline"}' in metrics
        assert 'controller_runtime_reconcile_errors_total{controller="videopipeline"}' in metrics
        assert 'leader_election_master_status{name="videopipeline"} 1.0' in metrics
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(120)
    assert code == 0, (tmp_path / "log").read_text()
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_the_operators_account_can_read_no_secret_and_touch_no_node(desk: Desk, config: Path) -> None:
    client = desk.client.as_account(desk.namespace, "reelmill-operator")
    for kind, namespace in (("v1/Secret", desk.namespace), ("v1/ConfigMap", desk.namespace), ("v1/Node", "")):
        with pytest.raises(ApiError) as caught:
            client.list(kind, namespace)
        assert caught.value.code == 403
    with pytest.raises(ApiError) as caught:
        client.create(resource(), desk.namespace)
    assert caught.value.code == 403

    def watched() -> bool:
        return bool(client.list("batch/v1/Job", desk.namespace) == [])

    until(watched, 60, "its own rights")
