"""A server that answers as an API server does about one pipeline and its pods' logs, over plain HTTP, for `logs`."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from servers.server_thread import serving

Json = dict[str, Any]
BASE = "/apis/reelmill.dev/v1alpha1/namespaces/video/videopipelines"


class Server(ThreadingHTTPServer):
    """`objects` by path, lists by path, and the `logs` of pods; `asked` are the queries about logs.

    Paths that end with one of `refused` are forbidden.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, Json] = {}
        self.lists: dict[str, list[Json]] = {}
        self.logs: dict[str, list[str]] = {}
        self.refused: set[str] = set()
        self.asked: list[dict[str, list[str]]] = []
        self.gate = threading.Event()
        """Logs come when this is set."""
        self.gate.set()
        self.waits: set[str] | None = None
        """Pods whose logs wait for it; None: all."""

    def kubeconfig(self, folder: Path) -> Path:
        """A kubeconfig of it."""
        url = f"http://127.0.0.1:{self.server_address[1]}"
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "stub",
            "clusters": [{"name": "stub", "cluster": {"server": url}}],
            "contexts": [{"name": "stub", "context": {"cluster": "stub", "user": "me", "namespace": "video"}}],
            "users": [{"name": "me", "user": {}}],
        }
        path = folder / "config"
        path.write_text(yaml.safe_dump(document))
        return path


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.endswith("/log"):
            self.server.asked.append(parse_qs(parts.query))
            pod = parts.path.split("/")[-2]
            if self.server.waits is None or pod in self.server.waits:
                self.server.gate.wait(600)
            lines = self.server.logs.get(pod)
            if lines is None:
                self._answer(500, {"message": "the kubelet is away"})
            else:
                self._write(200, "".join(f"{line}\n" for line in lines).encode())
        elif (name := parts.path.rpartition("/")[2]) in self.server.refused:
            self._answer(403, {"reason": "Forbidden", "message": f'{name} is forbidden: User "me" cannot get it'})
        elif parts.path in self.server.objects:
            self._answer(200, self.server.objects[parts.path])
        else:
            self._answer(200, {"items": self.server.lists.get(parts.path.rpartition("/")[2], []), "metadata": {}})

    def _answer(self, status: int, document: Json) -> None:
        self._write(status, json.dumps(document).encode())

    def _write(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def speaking() -> Iterator[Server]:
    """The server while the block lasts."""
    server = Server()
    with serving(server):
        yield server
