"""HTTP server for `/healthz`, `/readyz` and `/metrics`, in the event loop of the operator."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST


@asynccontextmanager
async def serving(
    listen: str, *, illness: Callable[[], str], ready: Callable[[], bool], metrics: Callable[[], bytes]
) -> AsyncIterator[int]:
    """Serve at `host:port` (port 0: any free port) and yield the port. An empty address disables the server."""
    if not listen:
        yield 0
        return

    async def healthz(_request: web.Request) -> web.Response:
        words = illness()
        return web.Response(status=500 if words else 200, text=words or "ok")

    async def readyz(_request: web.Request) -> web.Response:
        return (
            web.Response(status=200, text="ok")
            if ready()
            else web.Response(status=503, text="waiting for the first list")
        )

    async def prometheus(_request: web.Request) -> web.Response:
        return web.Response(body=metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", prometheus)])
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        host, _, port = listen.rpartition(":")
        await web.TCPSite(runner, host.strip("[]") or None, int(port)).start()
        bound: int = runner.addresses[0][1]
        yield bound
    finally:
        await runner.cleanup()
