"""A server that gives tokens to identities, in the forms of Google's, Azure's and a cloud machine's own."""

import json
import ssl
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from servers.server_thread import serving

SECONDS = 3600


def _token() -> str:
    """In the form of a JSON web token, which clients may look into. Nobody checks its signature."""
    header, claims = ({"alg": "RS256", "typ": "JWT"}, {"sub": "tests", "exp": 4102444800})
    parts = [urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)]
    return ".".join([*parts, "c2lnbmF0dXJl"])


@dataclass
class TokenServer:
    """What it was asked, and how it answers."""

    url: str = ""
    token: str = field(default_factory=_token)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Paths without their queries, with the fields of the forms that were sent."""
    refuses: bool = False


@contextmanager
def token_server(tls: ssl.SSLContext | None = None) -> Iterator[TokenServer]:
    """A server on a free port."""
    seen = TokenServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, _ = self.path.partition("?")
            seen.asked.append((path, {}))
            if path.endswith("/token"):
                self._answer(_answer_of(seen.token))
            elif "service-accounts" in path:
                self._answer({"email": "tests@example.org", "scopes": [], "aliases": ["default"]})
            else:
                self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            seen.asked.append(
                (self.path.partition("?")[0], {name: values[0] for name, values in parse_qs(body).items()})
            )
            self._answer(_answer_of(seen.token))

        def _answer(self, body: dict[str, Any]) -> None:
            if seen.refuses:
                body = {"error": "invalid_grant", "error_description": "this identity is unknown"}
            data = json.dumps(body).encode()
            self.send_response(400 if seen.refuses else 200)
            for name, value in (("Content-Type", "application/json"), ("Metadata-Flavor", "Google")):
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    seen.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    with serving(server):
        yield seen


def _answer_of(token: str) -> dict[str, Any]:
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": SECONDS,
        "expires_on": "4102444800",
        "resource": "https://storage.azure.com/",
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }
