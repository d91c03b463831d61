"""Watches of pipelines by kopf, which is used as a transport only. Only this module imports kopf.

There are no change handlers, timers or daemons, because those set finalizers and write annotations. kopf runs in a
thread with its own event loop, because it cancels all tasks of its loop when it ends, and it ends at the first error of
a watch. It is then restarted.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import kopf

from reelmill.contract.backoff import Backoff
from reelmill.contract.log import event
from reelmill.controller.kube.connection import Access, credentials
from reelmill.controller.watch.intake import Kind
from reelmill.schema.crd import GROUP, PLURAL, VERSION

Json = dict[str, Any]
_log = logging.getLogger(__name__)

SERVER_SECONDS = 570
"""Seconds for which the server keeps a watch open, and so the maximum interval between two signs of activity."""
LOGIN_MINUTES = 5
"""Seconds after which the token file of the service account is read again, because tokens are rotated."""
CLOSING_SECONDS = 0.1
RESTARTS, STEADY_SECONDS = Backoff(first=1.0, most=30.0), 60.0
"""Delays before watching is restarted, and the seconds after which watching counts as stable, not failed."""


class Watches:
    """Watches pipelines. Callbacks are called in the loop that runs `run`.

    `namespaces` returns the namespaces to watch (empty: all). `take` is called for every object with its kind and the
    event type (None: listed), `sign` for every list or watch request, and `restarted` whenever watching has failed.
    """

    def __init__(
        self,
        access: Access,
        namespaces: Callable[[], Sequence[str]],
        *,
        take: Callable[[Kind, str | None, Json], None],
        sign: Callable[[], None],
        restarted: Callable[[], None] = lambda: None,
    ) -> None:
        self._access, self._namespaces = access, namespaces
        self._take, self._sign, self._restarted = take, sign, restarted
        self._thread: _Thread | None = None

    def renew(self) -> None:
        """Watch the current namespaces, because they have changed."""
        if self._thread:
            self._thread.stop()

    async def run(self) -> None:
        """Watch until cancelled; restart whenever watching ends."""
        failures, loop = 0, asyncio.get_running_loop()
        while True:
            began = loop.time()
            thread = self._thread = _Thread(self, loop, tuple(self._namespaces()))
            serving = asyncio.ensure_future(asyncio.to_thread(thread.serve))
            try:
                await asyncio.shield(serving)
                if thread.stopped:
                    continue
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

    async def watch(self, home: asyncio.AbstractEventLoop, namespaces: Sequence[str], stop: asyncio.Event) -> None:
        """In kopf's thread: watch until `stop` is set. Raises the exception that ended kopf."""
        tell = _Mailbox(home).put
        registry = kopf.OperatorRegistry()

        @kopf.on.login(registry=registry)
        async def login(**_: object) -> kopf.ConnectionInfo:
            return await _login(self._access)

        @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
        async def pipeline(event: Any, **_: object) -> None:
            tell(self._take, "pipeline", event["type"], event["object"])

        await kopf.operator(
            registry=registry,
            settings=_settings(lambda: tell(self._sign)),
            standalone=True,
            clusterwide=not namespaces,
            namespaces=list(namespaces),
            stop_flag=stop,
        )


class _Mailbox:
    """Calls functions in the loop of another thread, in order; the loop is woken once for each batch."""

    def __init__(self, home: asyncio.AbstractEventLoop) -> None:
        self._home = home
        self._calls: deque[tuple[Callable[..., None], tuple[object, ...]]] = deque()
        self._is_woken = False

    def put(self, callback: Callable[..., None], *arguments: object) -> None:
        """Schedule a call. May be called in any thread except the loop's."""
        self._calls.append((callback, arguments))
        if not self._is_woken:
            self._is_woken = True
            with suppress(RuntimeError):  # the home loop is closed
                self._home.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        # Calls from here on wake the loop again.
        self._is_woken = False
        while self._calls:
            callback, arguments = self._calls.popleft()
            self._home.call_soon(callback, *arguments)


class _NoChanges(kopf.DiffBaseStorage):
    """Empty storage for kopf's comparison with the last version that change handlers saw; there are no handlers."""

    def build(self, *, body: kopf.Body, extra_fields: object = None) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> None:
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None: ...


class _NoProgress(kopf.ProgressStorage):
    """Empty storage for kopf's progress of change handlers; there are no handlers."""

    def fetch(self, *, key: str, body: kopf.Body) -> None:
        return None

    def store(self, *, key: str, record: object, body: kopf.Body, patch: kopf.Patch) -> None: ...

    def purge(self, *, key: str, body: kopf.Body, patch: kopf.Patch) -> None: ...

    def touch(self, *, body: kopf.Body, patch: kopf.Patch, value: str | None) -> None: ...

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence


class _Thread:
    """kopf's thread, with an event loop that can be stopped from other threads."""

    def __init__(self, watches: Watches, home: asyncio.AbstractEventLoop, namespaces: Sequence[str]) -> None:
        self._watches, self._home, self._namespaces = watches, home, namespaces
        self._lock = threading.Lock()
        self._stopped = False
        self._inside: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped

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
            await self._watches.watch(self._home, self._namespaces, stop)
        finally:
            # Give cancelled connections time to close.
            await asyncio.sleep(CLOSING_SECONDS)


def _settings(sign: Callable[[], None]) -> kopf.OperatorSettings:
    """Kopf's settings, with every feature disabled that writes, scans or posts events."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.persistence.diffbase_storage = _NoChanges()
    settings.persistence.progress_storage = _NoProgress()
    settings.scanning.disabled = True
    settings.watching.server_timeout = SERVER_SECONDS
    settings.watching.chunk_size = 500
    settings.networking.enforce_retry_after = True
    settings.process.ultimate_exiting_timeout = None

    def is_selected(_resource: Any) -> bool:
        # kopf evaluates the selectors of a kind before every list or watch request: a sign of activity.
        sign()
        return False

    settings.watching.label_selectors[is_selected] = ""
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
