"""Receivers of traces: a small server that parses OTLP by OpenTelemetry's own messages, and a real collector."""

import gzip
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from cluster import build
from cluster.unavailable import Unavailable
from servers.processes import free_ports
from servers.server_thread import serving

PATIENT = {"OTEL_BSP_EXPORT_TIMEOUT": "300000"}
"""The environment of runs that wait until their spans have arrived, however slow the machine is."""


@dataclass(frozen=True)
class Received:
    """A span as it arrived."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int = 0
    end: int = 0
    error: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)


def problems(spans: list[Received]) -> list[str]:
    """What is wrong with the shape of traces: each is a tree with one root, and parents last as long as children."""
    found = []
    by_id = {span.span_id: span for span in spans}
    if len(by_id) != len(spans):
        found.append("spans with equal ids")
    for trace in {span.trace_id for span in spans}:
        roots = [span.name for span in spans if span.trace_id == trace and not span.parent_id]
        if len(roots) != 1:
            found.append(f"roots of {trace}: {roots}")
    for span in spans:
        parent = by_id.get(span.parent_id)
        if span.parent_id and (parent is None or parent.trace_id != span.trace_id):
            found.append(f"{span.name} has no parent")
        elif parent and not parent.start <= span.start <= span.end <= parent.end:
            found.append(f"{span.name} is longer than {parent.name}")
    return found


@contextmanager
def receiver() -> Iterator[tuple[str, list[Received]]]:
    """(address, spans that arrived so far) of a server."""
    spans: list[Received] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            spans.extend(_parsed(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body))
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}", spans


def _parsed(body: bytes) -> Iterator[Received]:
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    for resource in request.resource_spans:
        assert "reelmill" in {each.value.string_value for each in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                attributes = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
                ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                times = (span.start_time_unix_nano, span.end_time_unix_nano)
                yield Received(span.name, *ids, *times, span.status.message, attributes)


@contextmanager
def collector(folder: Path) -> Iterator[tuple[str, Path]]:
    """(address, log) of a real OpenTelemetry collector, which writes every span to its log."""
    try:
        program = build.find(("otelcol",)) / "otelcol"
    except Unavailable as problem:
        required = os.environ.get("REELMILL_REQUIRE", "")
        (pytest.fail if "control-plane" in required else pytest.skip)(str(problem))
    (port,) = free_ports(1)
    config = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {"debug": {"verbosity": "detailed"}},
        "service": {
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}},
            "telemetry": {"metrics": {"level": "none"}},
        },
    }
    (folder / "otelcol.yaml").write_text(yaml.safe_dump(config))
    log = folder / "otelcol.log"
    with log.open("wb") as file:
        process = subprocess.Popen([program, "--config", "file:otelcol.yaml"], cwd=folder, stdout=file, stderr=file)
    try:
        end = time.monotonic() + 120
        while b"Everything is ready" not in log.read_bytes():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", log
    finally:
        process.terminate()
        process.wait(120)


def logged(log: Path) -> list[Received]:
    """The spans in the log of a collector, without their times."""
    found = re.findall(
        r"Span #\d+\n +Trace ID +: (\w+)\n +Parent ID +: (\w*)\n +ID +: (\w+)\n +Name +: (.*)\n", log.read_text()
    )
    return [Received(name, trace, own, parent) for trace, parent, own, name in found]
