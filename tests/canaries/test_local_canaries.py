"""Credentials in every place of a local run that can carry one: none is in an output, a record or a log.

The servers are hostile: they repeat in their answers whatever credentials they were sent.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

import footage
from canaries.traces import found, traces
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.store.open import open_store
from servers.faults import Fault, Handler, fault_proxy
from servers.processes import Server
from servers.s3_servers import make_bucket
from servers.server_thread import serving
from tracing.received import PATIENT, receiver

pytestmark = pytest.mark.store
MODEL_KEY = "sk-canary-of-the-model-server"
COLLECTOR_KEY = "canary-of-the-collector"
IN_ROWS = {
    "a password in a row": "canary-password",
    "a signature in a row": "canary-signature",
    "a token in a row": "canary-token",
}
ROWS = [
    "https://me:canary-password@host.example/a.mp4",
    "https://host.example/b.mp4?X-Amz-Signature=canary-signature",
    "s3://me:canary-password@bucket/c.mp4",
    "https://host.example/d.mp4#access_token=canary-token",
]


class Echo(BaseHTTPRequestHandler):
    """An OpenAI-compatible server that repeats the key that it got: in the answer, or in an error."""

    asked = 0

    def do_GET(self) -> None:
        self._say(200, {"data": [{"id": "looker"}]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        Echo.asked += 1
        key = self.headers["Authorization"]
        if Echo.asked % 2:
            self._say(400, {"error": {"message": f"Incorrect API key provided: {key}"}})
            return
        message = {"role": "assistant", "content": f"a film; {key}"}
        self._say(200, {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {}})

    def _say(self, code: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}/v1"


def repeat(handler: Handler, body: bytes) -> None:
    """An S3 error that repeats all headers of the request."""
    headers = "; ".join(f"{name}={value}" for name, value in handler.headers.items())
    xml = f"<?xml version='1.0'?><Error><Code>SignatureDoesNotMatch</Code><Message>{headers}</Message></Error>"
    handler.answer(403, [("Content-Type", "application/xml")], b"" if handler.command == "HEAD" else xml.encode())


def test_no_credential_of_a_local_run_is_left_anywhere(minio_server: Server, tmp_path: Path, echo: str) -> None:
    canaries = {
        "the secret key": minio_server.reader["AWS_SECRET_ACCESS_KEY"],
        "the session token": minio_server.reader["AWS_SESSION_TOKEN"],
        "the key of the model server": MODEL_KEY,
        "the key of the collector of traces": COLLECTOR_KEY,
        **IN_ROWS,
    }
    bucket, home = make_bucket(minio_server), tmp_path / "home"
    home.mkdir()
    store = open_store(
        StoreRef(uri=f"s3://{bucket}", connection=Connection(endpoint=minio_server.endpoint)), env=minio_server.env
    )
    for name in ("good.mp4", "fine.mp4", "refused.mp4"):
        store.write(name, footage.video(seconds=1.0, size=(96, 64), audio=False))
    rows = "".join(f"{row},a film,0,1\n" for row in ROWS)
    (tmp_path / "rows.csv").write_text("path,text,start,end\n" + rows)
    with fault_proxy(minio_server.port) as proxy, receiver() as (collector, spans):
        proxy.faults.append(Fault(repeat, path="refused", times=1000))
        document = {
            "apiVersion": "reelmill.dev/v1alpha1",
            "kind": "VideoPipeline",
            "metadata": {"name": "canaries"},
            "spec": {
                "store": {"uri": "store"},
                "sources": [
                    {
                        "name": "films",
                        "files": {"uri": f"s3://{bucket}/"},
                        "s3": {"endpoint": f"http://127.0.0.1:{proxy.port}"},
                    },
                    {"name": "rows", "table": {"uri": "rows.csv", "columns": {"path": "path", "text": "text"}}},
                ],
                "stages": [
                    {"name": "clips", "from": ["films", "rows"], "clip": {"by": "length", "length": "1s"},
                     "failures": {"tolerate": "100%"}},
                    {"name": "told", "failures": {"tolerate": "100%"}, "caption": {
                        "server": {"url": echo, "apiKeyEnv": "MODEL_KEY"}, "model": "looker", "prompt": "what?",
                        "timeout": "120s"}},
                ],
            },
        }  # fmt: skip
        (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(document))
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            **minio_server.reader,
            "MODEL_KEY": MODEL_KEY,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={COLLECTOR_KEY}",
            **PATIENT,
            **{name: str(home) for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")},
        }

        def said(*words: str) -> str:
            command = [sys.executable, "-m", "reelmill.cli", *words]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
            return done.stdout + done.stderr

        told = {"run": said("run", "pipeline.yaml", "-v", "--openlineage", "events.jsonl")}
        told["trace"] = repr(spans)
        assert "run canaries" in told["trace"]
        for words in (
            "validate pipeline.yaml", "plan pipeline.yaml", "status pipeline.yaml -o json", "ledger pipeline.yaml",
            "ledger pipeline.yaml --outcome failed -o json", "funnel pipeline.yaml -o json", "logs pipeline.yaml",
            "check store", "export pipeline.yaml told exported", "card pipeline.yaml told exported",
            "card pipeline.yaml clips card", "replay pipeline.yaml told x", "prune pipeline.yaml",
            "support-bundle pipeline.yaml -o bundle.tar.gz",
        ):  # fmt: skip
            told[words] = said(*words.split())
    assert (tmp_path / "bundle.tar.gz").stat().st_size > 1000
    assert "request_rejected" in told["ledger pipeline.yaml"], told
    assert Echo.asked >= 2
    assert "bad_path" in told["ledger pipeline.yaml"]
    assert (tmp_path / "exported/README.md").exists(), told
    assert (tmp_path / "card/croissant.json").exists(), told
    assert "COMPLETE" in (tmp_path / "events.jsonl").read_text()
    assert {words: found(text, canaries) for words, text in told.items() if found(text, canaries)} == {}
    (tmp_path / "rows.csv").unlink()
    assert traces(tmp_path, canaries) == []
