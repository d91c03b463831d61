"""A proxy before a server that misbehaves on request: the first N matching requests meet a fault.

It forwards whole requests and keeps the Host header, so signatures stay valid.
"""

import http.client
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from servers.server_thread import serving

HOP = {"connection", "transfer-encoding", "content-length", "date", "server"}


@dataclass
class Fault:
    """What happens to matching requests while `times` lasts."""

    act: Callable[["Handler", bytes], None]
    method: str = ""
    path: str = ""
    times: int = 1

    def takes(self, method: str, path: str) -> bool:
        """Whether it takes this request; counts it if so."""
        if self.times <= 0 or (self.method and method != self.method) or not re.search(self.path, path):
            return False
        self.times -= 1
        return True


def status(code: int, name: str, message: str = "injected") -> Callable[["Handler", bytes], None]:
    """An S3 error, without asking the server."""

    def act(handler: "Handler", body: bytes) -> None:
        xml = f"<?xml version='1.0'?><Error><Code>{name}</Code><Message>{message}</Message></Error>".encode()
        handler.answer(code, [("Content-Type", "application/xml")], b"" if handler.command == "HEAD" else xml)

    return act


def page(code: int) -> Callable[["Handler", bytes], None]:
    """An answer that is no S3: a web page."""

    def act(handler: "Handler", body: bytes) -> None:
        handler.answer(code, [("Content-Type", "text/html")], b"<html>not here</html>")

    return act


def cut(after: int) -> Callable[["Handler", bytes], None]:
    """The real answer, whose body ends early though the header promises all of it."""

    def act(handler: "Handler", body: bytes) -> None:
        code, headers, answer = handler.forward(body)
        handler.answer(code, headers, answer, only=after)
        handler.close_connection = True

    return act


def redirect(to: str, code: int = 302) -> Callable[["Handler", bytes], None]:
    """Another address, without asking the server."""

    def act(handler: "Handler", body: bytes) -> None:
        handler.answer(code, [("Location", to)], b"")

    return act


def later(seconds: str, code: int = 429) -> Callable[["Handler", bytes], None]:
    """A request to wait, without asking the server."""

    def act(handler: "Handler", body: bytes) -> None:
        handler.answer(code, [("Retry-After", seconds)], b"")

    return act


def headers(**changed: str | None) -> Callable[["Handler", bytes], None]:
    """The real answer with other headers (`_` stands for `-`); None takes one away."""

    def act(handler: "Handler", body: bytes) -> None:
        code, found, answer = handler.forward(body)
        names = {name.replace("_", "-").lower(): value for name, value in changed.items()}
        kept = [(name, value) for name, value in found if name.lower() not in names]
        handler.answer(code, kept + [(name, value) for name, value in names.items() if value is not None], answer)

    return act


def longer(more: bytes) -> Callable[["Handler", bytes], None]:
    """The real answer with more bytes behind it, in chunks, so that no header says how many there are."""

    def act(handler: "Handler", body: bytes) -> None:
        code, found, answer = handler.forward(body)
        handler.send_response(code)
        for name, value in found:
            if name.lower() not in HOP:
                handler.send_header(name, value)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for part in (answer, more, b""):
            handler.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")

    return act


def stall(seconds: float) -> Callable[["Handler", bytes], None]:
    """No answer for so long, then none at all."""

    def act(handler: "Handler", body: bytes) -> None:
        handler.owner.stopping.wait(seconds)
        handler.reset()

    return act


def reset(handler: "Handler", body: bytes) -> None:
    """The connection breaks before the server heard of the request."""
    handler.reset()


def lost(handler: "Handler", body: bytes) -> None:
    """The server does it, but its answer is lost."""
    handler.forward(body)
    handler.reset()


def without_conditions(key: str, secret: str) -> Callable[["Handler", bytes], None]:
    """A server that knows no conditional writes: it does every PUT (with these keys, as conditions are signed)."""

    def act(handler: "Handler", body: bytes) -> None:
        from minio import Minio

        client = Minio(
            endpoint=f"127.0.0.1:{handler.owner.upstream}",
            access_key=key,
            secret_key=secret,
            secure=False,
            region="us-east-1",
        )
        bucket, _, name = unquote(handler.path).lstrip("/").partition("/")
        written = client.put_object(bucket_name=bucket, object_name=name, data=BytesIO(body), length=len(body))
        handler.answer(200, [("ETag", f'"{written.etag}"')], b"")

    return act


def unconditional(handler: "Handler", body: bytes) -> None:
    """The answer of a server that ignores conditions, if the request does not sign them."""
    for name in ("If-Match", "If-None-Match"):
        del handler.headers[name]
    handler.path = re.sub(r"(?<=[?&])ifGenerationMatch=\d+&?", "", handler.path).rstrip("?&")
    handler.answer(*handler.forward(body))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: "FaultProxy"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, ValueError):
            self.close_connection = True

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        time.sleep(self.owner.latency)
        fault = self.owner.next_fault(self.command, self.path)
        if fault:
            fault.act(self, body)
        else:
            self.answer(*self.forward(body))

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 - http.server names them

    def forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Ask the server."""
        connection = http.client.HTTPConnection(self.owner.host, self.owner.upstream, timeout=60)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() != "connection":
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def answer(self, code: int, headers: list[tuple[str, str]], body: bytes, only: int | None = None) -> None:
        self.send_response(code)
        length = next((value for name, value in headers if name.lower() == "content-length"), str(len(body)))
        for name, value in headers:
            if name.lower() not in HOP:
                self.send_header(name, value)
        if code != 204:
            self.send_header("Content-Length", length if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return  # a body would be read as the next answer
        with self.owner.lock:
            self.owner.sent += len(body[:only])
        self.wfile.write(body[:only])

    def reset(self) -> None:
        """Break the connection the hard way."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.rfile.close()
        self.wfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@dataclass
class FaultProxy:
    """A running proxy. `seen` are the requests, `METHOD path`, in order of arrival, `sent` the bytes of all bodies that
    it gave; every request waits for `latency` seconds.
    """

    upstream: int
    host: str = "127.0.0.1"
    """Where the server is; may change."""
    port: int = 0
    faults: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    sent: int = 0
    latency: float = 0.0
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, act: Callable[[Handler, bytes], None], *, method: str = "", path: str = "", times: int = 1) -> None:
        """Let the first `times` requests that match meet this fault."""
        self.faults.append(Fault(act, method, path, times))

    def next_fault(self, method: str, path: str) -> Fault | None:
        with self.lock:
            self.seen.append(f"{method} {path}")
            return next((fault for fault in self.faults if fault.takes(method, path)), None)


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def fault_proxy(
    upstream: int, tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1", listen: str = "127.0.0.1"
) -> Iterator[FaultProxy]:
    """A proxy on the address `listen` before the server on port `upstream` of `host`."""
    proxy = FaultProxy(upstream, host)
    server = QuietServer((listen, 0), type("BoundHandler", (Handler,), {"owner": proxy}))
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    proxy.port = server.server_address[1]
    with serving(server):
        try:
            yield proxy
        finally:
            proxy.stopping.set()
        time.sleep(0.01)
