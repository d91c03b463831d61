"""Traces of `reelmill run`: what arrives at a receiver, what logs say of it, and receivers that do not answer."""

import json
import socket
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from e2e.workshop import SAMPLES, Workshop, film
from reelmill.contract.process.trace_context import ENV
from servers.processes import free_ports
from tracing.received import PATIENT, problems, receiver

STAGES: list[dict[str, Any]] = [
    {"name": "clips", "clip": {"by": "length", "length": "1s"}, "shards": 3, "failures": {"tolerate": "60%"}},
    {**SAMPLES, "failures": {"tolerate": "100%"}},  # the clips have no captions
]


@pytest.fixture(autouse=True)
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the person who runs the tests decides where traces go."""
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    for name in (*endpoints, "OTEL_SDK_DISABLED", ENV, *PATIENT):
        monkeypatch.delenv(name, raising=False)


def shop(folder: Path) -> Workshop:
    made = Workshop(folder, stages=deepcopy(STAGES))
    made.film("a.mp4", "b.mp4", "c.mp4")
    (made.videos / "broken.mp4").write_bytes(film().read_bytes()[:1500])
    made.files()
    return made


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs wait for their spans."""
    for name, value in PATIENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.store  # it runs a pipeline
@pytest.mark.usefixtures("patient")
def test_a_run_is_one_trace_of_survey_passes_and_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = shop(tmp_path)
    with receiver() as (address, spans):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        said = made.tell("run", "-v")
        assert said.code == 0, said.err
    assert problems(spans) == []
    by_name = {span.name: span for span in spans}
    assert set(by_name) == {
        "run shop", "survey", "clips 1", "clips shards 0", "clips shards 1", "clips shards 2",
        "samples 1", "samples whole",
    }  # fmt: skip
    root = by_name["run shop"]
    assert {by_name[name].parent_id for name in ("survey", "clips 1", "samples 1")} == {root.span_id}
    assert by_name["clips shards 2"].parent_id == by_name["clips 1"].span_id
    assert by_name["clips shards 2"].attributes["reelmill.dev/shard"] == 2
    assert f"the trace of the run is {root.trace_id}" in said.err


@pytest.mark.store  # it runs a pipeline
@pytest.mark.usefixtures("patient")
def test_logs_of_steps_name_trace_and_span(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = shop(tmp_path)
    made.stages[0]["failures"]["tolerate"] = "0%"
    with receiver() as (address, spans):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{address}/v1/traces")
        assert made.tell("run").code != 0
    kept = (tmp_path / "store").rglob("_reelmill/*logs/*.jsonl")
    lines = [json.loads(line) for path in kept for line in path.read_text().splitlines()]
    assert lines
    known = {(span.trace_id, span.span_id): span.name for span in spans}
    named = {known[line["trace_id"], line["span_id"]] for line in lines}
    assert {"clips shards 0", "clips shards 2"} <= named
    assert [span.error for span in spans if span.name == "run shop"] != [""]


@pytest.mark.store  # it runs a pipeline
def test_without_an_endpoint_nothing_is_traced(tmp_path: Path) -> None:
    said = shop(tmp_path).tell("run", "-v")
    assert said.code == 0
    assert "trace" not in said.err


@pytest.mark.store
def test_without_an_endpoint_no_package_for_traces_is_imported() -> None:
    asked = "import sys, reelmill.cli.local_run as run; assert 'opentelemetry' not in sys.modules, run"
    subprocess.run([sys.executable, "-c", asked], check=True)


@pytest.mark.store  # it runs a pipeline
@pytest.mark.parametrize("kind", ["closed", "silent", "wrong path"])
def test_an_endpoint_that_does_not_answer_costs_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    made = shop(tmp_path)
    with socket.socket() as silent, receiver() as (address, _):
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        dead = f"http://127.0.0.1:{free_ports(1)[0]}"
        where = {"closed": dead, "silent": f"http://127.0.0.1:{silent.getsockname()[1]}", "wrong path": f"{address}/x"}
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", where[kind])
        said = made.tell("run")
    assert said.code == 0, said.err
    assert said.err.count("the trace of the run is incomplete: http") == 1
    assert "Traceback" not in said.err
