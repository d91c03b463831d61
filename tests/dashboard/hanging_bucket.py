"""A bucket that does not respond while a dashboard reads it. Helpers of tests."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LISTING = b"""<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix>data/</Prefix>
<Delimiter>/</Delimiter><IsTruncated>false</IsTruncated><KeyCount>1</KeyCount>
<CommonPrefixes><Prefix>data/clips/</Prefix></CommonPrefixes></ListBucketResult>"""


class HangingServer(ThreadingHTTPServer):
    """A bucket with a folder `data/clips/`, whose contents it never lists."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.is_asked, self.may_end = threading.Event(), threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: HangingServer

    def do_GET(self) -> None:
        if "clips" in self.path:
            self.server.is_asked.set()
            self.server.may_end.wait()
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(LISTING)))
        self.end_headers()
        self.wfile.write(LISTING)

    def log_message(self, format: str, *values: object) -> None:
        pass


@contextmanager
def hanging_bucket() -> Iterator[HangingServer]:
    """The server, in a thread; at the end, it gives no answer to those who wait."""
    with HangingServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.may_end.set()
            server.shutdown()
            thread.join()


@contextmanager
def dashboard_over(server: HangingServer, temporary: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process of `reelmill dashboard` over the bucket, and its address."""
    endpoint = f"http://127.0.0.1:{server.server_port}"
    program = str(Path(sys.executable).with_name("reelmill"))
    command = [program, "dashboard", "--store", "s3://bucket/data", "--endpoint", endpoint, "--port", "0"]
    env = {**os.environ, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "TMPDIR": str(temporary)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stderr
            yield process, process.stderr.readline().strip().rstrip("/")
        finally:
            process.kill()
