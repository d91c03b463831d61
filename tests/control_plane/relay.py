"""An API server seen through a relay that speaks HTTP: watches can be ended as a server ends them, and held back.

The operator speaks plain HTTP to the relay, the relay TLS to the server, with the operator's own token.
"""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import aiohttp
from aiohttp import web

from cluster import kubeconfig
from control_plane.closing import close_connections


class Relay:
    """Forwards requests. Watches go on until `end_watches`; new ones wait while `held`."""

    def __init__(self, server: str, ca: str) -> None:
        self._server, self._tls = server, ssl.create_default_context(cadata=ca)
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._held = asyncio.Event()
        self._held.set()
        self.address = ""
        self.config = Path()
        """A kubeconfig that leads here."""
        self.watches: list[tuple[str, str]] = []
        """Path and resource version of every watch."""
        self.expired = 0
        """Watches that the server refused or ended with 410."""

    def hold(self) -> None:
        """Let watches that begin now wait."""
        self._loop.call_soon_threadsafe(self._held.clear)

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._held.set)

    def end_watches(self) -> None:
        """As a server does whose time for a watch is over: the stream ends, nothing is wrong."""
        self._loop.call_soon_threadsafe(self._end_all)

    def _end_all(self) -> None:
        self._end.set()
        self._end = asyncio.Event()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        watch = request.query.get("watch") == "true"
        if watch:
            self.watches.append((request.path, request.query.get("resourceVersion", "")))
            await self._held.wait()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "connection")}
        async with self._session.request(
            request.method,
            self._server + request.raw_path,
            headers=headers,
            data=await request.read() or None,
            ssl=self._tls,
        ) as answer:
            if not watch:
                kept = {
                    name: answer.headers[name] for name in ("Content-Type", "Retry-After") if name in answer.headers
                }
                return web.Response(status=answer.status, body=await answer.read(), headers=kept)
            self.expired += answer.status == 410
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
            await response.prepare(request)
            await self._pour(answer, response)
            return response

    async def _pour(self, answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
        end = asyncio.ensure_future(self._end.wait())
        try:
            while True:
                line = asyncio.ensure_future(answer.content.readline())
                await asyncio.wait({end, line}, return_when=asyncio.FIRST_COMPLETED)
                if not line.done():
                    line.cancel()
                    return
                if not (data := line.result()):
                    return
                self.expired += b'"code":410' in data
                await response.write(data)
        finally:
            end.cancel()

    async def main(self, ready: threading.Event, stop: asyncio.Event) -> None:
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._forward)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        async with aiohttp.ClientSession(auto_decompress=True) as self._session:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
            ready.set()
            await stop.wait()
            self._held.set()
            self._end_all()
            await runner.cleanup()
        await close_connections()


@contextmanager
def relayed(config: Path) -> Iterator[Relay]:
    """A relay to the server of a kubeconfig while the block lasts."""
    access = kubeconfig.read(config)
    relay, ready, stop = Relay(access.server, access.ca), threading.Event(), asyncio.Event()
    thread = threading.Thread(target=relay._loop.run_until_complete, args=(relay.main(ready, stop),), daemon=True)
    thread.start()
    assert ready.wait(120)
    here = kubeconfig.Access(relay.address, access.token, access.ca)
    relay.config = kubeconfig.write(config.with_suffix(".relayed"), here)
    try:
        yield relay
    finally:
        with suppress(RuntimeError):
            relay._loop.call_soon_threadsafe(stop.set)
        thread.join(120)
        relay._loop.close()
