"""Checks of every request: the method and the host name; and the headers of every response.

A page on the internet can let a host name of its site resolve to 127.0.0.1 and then read what a browser gets from there
(DNS rebinding). Its requests contain that name, so only known names are accepted. IP addresses are safe, because a page
that was loaded by an address has that address as its origin.
"""

import ipaddress
from collections.abc import Collection

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No inline scripts or styles, no content from other origins, no frames."""
FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'"
"""For objects of the store: they cannot run scripts and have no origin."""
_HEADERS = {
    "content-security-policy": PAGE_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}
HEAD = "reelmill.head"
"""Name in the scope of a HEAD request: it is handled as GET, and its body is left out."""
_METHODS = ("GET", "HEAD")


class RequestGuard:
    """An ASGI middleware."""

    def __init__(self, app: ASGIApp, *, allowed_hosts: Collection[str], root_path: str = "") -> None:
        """`allowed_hosts`: names besides `localhost` and IP addresses; `*` stands for every name.

        `root_path`: the path at which a proxy serves the page; the proxy may remove it from requests or keep it.
        """
        self._app = app
        self._root_path = root_path
        self._hosts = {host.lower() for host in allowed_hosts} | {"localhost"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        refusal = self._refusal(scope)
        passed = {**scope, "root_path": self._root_path, "method": "GET", HEAD: is_head}
        await (refusal or self._app)(passed, receive, answer)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        if scope["method"] not in _METHODS:
            text = "This page is read-only: send GET or HEAD.\n"
            return PlainTextResponse(text, status_code=405, headers={"allow": ", ".join(_METHODS)})
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        if not self._is_known(host):
            text = (
                "This page is not served under that host name. Start it with --allowed-host and the name, or open "
                "it as localhost.\n"
            )
            return PlainTextResponse(text, status_code=421)
        return None

    def _is_known(self, host: str) -> bool:
        name = host.lower()
        if name.startswith("["):
            name = name[1:].partition("]")[0]
        elif name.count(":") == 1:
            name = name.partition(":")[0]
        if name in self._hosts or "*" in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True
