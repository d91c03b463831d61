"""A wire between an operator and the API server that can be cut: bytes through, until they do not."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from control_plane.closing import close_connections


class Wire:
    """Forwards TCP from a port of its own to a server."""

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self._host, self._port = parts.hostname or "", parts.port or 443
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._lasts = True
        self.down = False
        """New connections are refused."""
        self.address = ""

    def cut(self) -> None:
        """Break all connections."""
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            if self.down:
                writer.transport.abort()
                return
            there_reader, there = await asyncio.open_connection(self._host, self._port)
            ends.append(there)
            self._open |= {*ends}
            await asyncio.gather(_pour(reader, there), _pour(there_reader, writer))
        finally:
            self._open -= {*ends}
            for each in ends:
                each.close() if self._lasts else each.transport.abort()

    async def main(self, ready: threading.Event, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        async with server:
            await stop.wait()
            self._lasts = False
            self._cut()
        await close_connections()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def wired(server: str) -> Iterator[Wire]:
    """A wire to a server while the block lasts."""
    wire, ready, stop = Wire(server), threading.Event(), asyncio.Event()
    thread = threading.Thread(target=wire._loop.run_until_complete, args=(wire.main(ready, stop),), daemon=True)
    thread.start()
    assert ready.wait(120)
    try:
        yield wire
    finally:
        wire._loop.call_soon_threadsafe(stop.set)
        thread.join(120)
        wire._loop.close()
