"""Watches Jobs through the operator's own connection.

Most events are about Jobs, and they are only decoded and cached. Objects that disappear while no watch is open are
found by `Resync`, which every new watch request triggers.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any

from reelmill.contract.backoff import Backoff
from reelmill.contract.log import event
from reelmill.controller.kube.api import JOBS, MANAGED, path
from reelmill.controller.kube.api_errors import Expired, NoAnswer, Refusal
from reelmill.controller.kube.connection import ApiConnection
from reelmill.controller.watch.intake import Kind

Json = dict[str, Any]
_log = logging.getLogger(__name__)

SERVER_SECONDS = 570
"""Seconds for which the server keeps a watch open."""
SILENCE_SECONDS = SERVER_SECONDS + 30.0
"""Seconds after which a watch that is still open is considered disconnected."""
RESTARTS, STEADY_SECONDS = Backoff(first=1.0, most=30.0), 60.0
"""Delays before a failed watch is reopened, and the seconds after which a watch counts as stable, not failed."""

_NO_EVENT = "the response is not a watch event"


class JobWatch:
    """Watches the Jobs of reelmill. `take` is called for every object with its kind and the event type, `sign` for
    every request with its namespace (None: all), and `restarted` whenever a watch failed.
    """

    def __init__(
        self,
        connection: ApiConnection,
        namespaces: Sequence[str],
        *,
        take: Callable[[Kind, str | None, Json], None],
        sign: Callable[[str | None], None],
        restarted: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection, self._namespaces = connection, namespaces
        self._take, self._sign, self._restarted = take, sign, restarted

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for namespace in self._namespaces or (None,):
                group.create_task(self._watch(namespace))

    async def _watch(self, namespace: str | None) -> None:
        version, failures, loop = "", 0, asyncio.get_running_loop()
        while True:
            began, problem = loop.time(), ""
            self._sign(namespace)
            try:
                lines = self._connection.lines(path(JOBS, namespace), query=_query(version))
                async with asyncio.timeout(SILENCE_SECONDS), aclosing(lines):
                    async for line in lines:
                        version = self._handle_event(json.loads(line))
            except Expired as error:
                # Without a version, the server starts with all existing objects.
                if not version:
                    problem = str(error)
                    self._restarted()
                version = ""
            except (Refusal, NoAnswer, TimeoutError, ValueError) as error:
                problem = str(error) or type(error).__name__
                event(_log, "watching Jobs ended", level=logging.WARNING, problem=problem[:300])
                self._restarted()
            if problem and failures:
                # The server may not know the version yet, such as after the restore of a backup.
                version = ""
            failures = failures + 1 if problem and loop.time() - began < STEADY_SECONDS else bool(problem)
            await asyncio.sleep(RESTARTS.delay(failures) if failures else 0.1)

    def _handle_event(self, watch_event: Any) -> str:
        """Handle an event; returns its resource version."""
        seen = watch_event.get("object") if isinstance(watch_event, dict) else None
        if not isinstance(seen, dict):
            raise NoAnswer(_NO_EVENT)
        if watch_event.get("type") == "ERROR":
            message = str(seen.get("message") or "")
            raise Expired(410, message) if seen.get("code") == 410 else NoAnswer(message)
        metadata = seen.get("metadata")
        if not isinstance(metadata, dict) or "resourceVersion" not in metadata:
            raise NoAnswer(_NO_EVENT)
        if watch_event.get("type") != "BOOKMARK":
            self._take("job", watch_event.get("type"), seen)
        return str(metadata["resourceVersion"])


def _query(version: str) -> dict[str, str]:
    query = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(SERVER_SECONDS)}
    return {**query, "labelSelector": MANAGED, **({"resourceVersion": version} if version else {})}
