"""The only importer of kopf, which is transport and nothing else: it watches two kinds and says what it saw.

No change handlers, timers or daemons: those set finalizers and write annotations. kopf lives in a thread with an event
loop of its own, because it cancels every task of its loop when it ends, and it ends on the first surprise of a watch.
Then it is begun anew.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import kopf

from reelmill.contract.backoff import Backoff
from reelmill.contract.log import event
from reelmill.controller.kube.api import MANAGED
from reelmill.controller.kube.connection import Access, credentials
from reelmill.controller.watch.intake import Kind
from reelmill.schema.crd import GROUP, PLURAL, VERSION

Json = dict[str, Any]
_log = logging.getLogger(__name__)

SERVER_SECONDS = 570
"""How long the server is asked to keep a watch open: each shows that it lives at least this often."""
LOGIN_MINUTES = 5
"""Tokens of service accounts are renewed in their file: it is read again this often."""
CLOSING_SECONDS = 0.1
RESTARTS, STEADY_SECONDS = Backoff(first=1.0, most=30.0), 60.0
"""Delay before watching begins anew; watching that was steady for so many seconds counts as no failure."""


class Watches:
    """Watches pipelines and our Jobs. Both callbacks are called in the loop that runs `run`.

    `take` gets every object seen with the watch's word for what happened (None: listed), `sign` is called whenever a
    request to list or watch goes out.
    """

    def __init__(
        self,
        access: Access,
        namespaces: Sequence[str],
        *,
        take: Callable[[Kind, str | None, Json], None],
        sign: Callable[[], None],
        restarted: Callable[[], None] = lambda: None,
    ) -> None:
        self._access, self._namespaces = access, namespaces
        self._take, self._sign, self._restarted = take, sign, restarted

    async def run(self) -> None:
        """Watch until cancelled; begin anew whenever watching ends."""
        failures, loop = 0, asyncio.get_running_loop()
        while True:
            began, thread = loop.time(), _Thread(self, loop)
            serving = asyncio.ensure_future(asyncio.to_thread(thread.serve))
            try:
                await asyncio.shield(serving)
                event(_log, "watching ended", level=logging.WARNING)
            except asyncio.CancelledError:
                thread.stop()
                with suppress(Exception):
                    await serving
                raise
            except Exception as error:
                event(_log, "watching ended", level=logging.WARNING, problem=f"{type(error).__name__}: {error}"[:300])
            self._restarted()
            failures = 1 if loop.time() - began > STEADY_SECONDS else failures + 1
            await asyncio.sleep(RESTARTS.delay(failures))

    async def watch(self, home: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
        """In kopf's thread: watch until `stop`. Raises whatever ended kopf."""

        def tell(callback: Callable[..., None], *arguments: object) -> None:
            with suppress(RuntimeError):  # the home loop is closed: nobody listens any more
                home.call_soon_threadsafe(callback, *arguments)

        registry = kopf.OperatorRegistry()

        @kopf.on.login(registry=registry)
        async def login(**_: object) -> kopf.ConnectionInfo:
            return await _login(self._access)

        @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
        async def pipeline(event: Any, **_: object) -> None:
            tell(self._take, "pipeline", event["type"], event["object"])

        @kopf.on.event("batch", "v1", "jobs", registry=registry)
        async def job(event: Any, **_: object) -> None:
            tell(self._take, "job", event["type"], event["object"])

        await kopf.operator(
            registry=registry,
            settings=_settings(lambda: tell(self._sign)),
            standalone=True,
            clusterwide=not self._namespaces,
            namespaces=list(self._namespaces),
            stop_flag=stop,
        )


class _Thread:
    """kopf's thread: a loop of its own that can be told to stop from outside."""

    def __init__(self, watches: Watches, home: asyncio.AbstractEventLoop) -> None:
        self._watches, self._home = watches, home
        self._lock = threading.Lock()
        self._stopped = False
        self._inside: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def serve(self) -> None:
        asyncio.run(self._serve())

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._inside:
                loop, stop = self._inside
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(stop.set)

    async def _serve(self) -> None:
        stop = asyncio.Event()
        with self._lock:
            self._inside = asyncio.get_running_loop(), stop
            if self._stopped:
                return
        try:
            await self._watches.watch(self._home, stop)
        finally:
            # Connections that were cut off need a moment to be closed.
            await asyncio.sleep(CLOSING_SECONDS)


def _settings(sign: Callable[[], None]) -> kopf.OperatorSettings:
    """Settings with everything off that writes, scans or posts."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.watching.server_timeout = SERVER_SECONDS
    settings.watching.chunk_size = 500
    settings.networking.enforce_retry_after = True
    settings.process.ultimate_exiting_timeout = None

    def is_job(resource: Any) -> bool:
        # kopf asks for the selectors of a kind whenever it is about to list or watch it: a sign of life.
        sign()
        return bool(resource.group == "batch" and resource.plural == "jobs")

    settings.watching.label_selectors[is_job] = MANAGED
    return settings


async def _login(access: Access) -> kopf.ConnectionInfo:
    found = await credentials(access)
    return kopf.ConnectionInfo(
        server=found.server,
        ca_path=found.ca_file,
        scheme="Bearer" if found.token else None,
        token=found.token,
        certificate_path=found.certificate_file,
        private_key_path=found.key_file,
        username=found.username,
        password=found.password,
        insecure=found.insecure,
        expiration=datetime.now(UTC) + timedelta(minutes=LOGIN_MINUTES),
    )
