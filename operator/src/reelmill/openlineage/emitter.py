"""Sending of events from a separate thread, so that callers never wait for the file or server.

An event that cannot be sent is counted and dropped, so lineage never delays a run. The first of consecutive failures
is logged, and so is the recovery.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Full, Queue
from typing import Any, Literal

from reelmill.contract.errors import SpecError
from reelmill.contract.log import event
from reelmill.contract.output_file import check_may_replace
from reelmill.contract.text.messages import safe_message
from reelmill.contract.text.urls import has_query, has_user_info
from reelmill.openlineage.event_file import ends_in_a_line, has_our_events
from reelmill.openlineage.seen import SeenChanges

_log = logging.getLogger(__name__)

API_KEY = "OPENLINEAGE_API_KEY"
"""Environment variable with the key of the server, as for other clients of OpenLineage."""
WAITING = 1000
"""Maximum number of queued status changes; further ones are dropped."""
REQUEST_SECONDS = 5.0
RETRIES = 2
CLOSE_SECONDS = 5.0
_PATH = "/api/v1/lineage"
_WEB = ("http://", "https://")
Fate = Literal["sent", "failed", "dropped"]


class LineageEmitter:
    """Sends events to `target`: the URL of a server, or the path of a file to which lines are appended."""

    def __init__(
        self,
        target: str,
        *,
        namespace: str,
        api_key: str = "",
        counted: Callable[[Fate, int], None] | None = None,
        say: Callable[[str], None] | None = None,
        waiting: int = WAITING,
    ) -> None:
        """`counted` is called with the results of events, `say` with messages for users (default: the log).

        Raises SpecError if the URL contains credentials, if the file has other content, or if the OpenLineage client is
        not installed.
        """
        _check_target(target)
        if not target.startswith(_WEB):
            check_may_replace(Path(target), has_our_events, option="--openlineage or REELMILL_OPENLINEAGE")
        _check_client()
        self._target, self._namespace, self._api_key = target, namespace, api_key
        self._count, self._say = counted, say
        self._waiting: Queue[SeenChanges | None] = Queue(waiting)
        self._transport: Any = None
        self._down = False
        self._dropped = 0
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._send_until_closed, name="openlineage", daemon=True)
        self._thread.start()

    def tell(self, seen: SeenChanges | None) -> None:
        """Queue the events of these changes, to be sent in this order. Never waits."""
        if seen is None:
            return
        try:
            self._waiting.put_nowait(seen)
        except Full:
            self._dropped += len(seen.changes)
            self._count_events("dropped", len(seen.changes))

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Send queued events, for at most `seconds`. The rest is reported and dropped."""
        ends = time.monotonic() + seconds
        with suppress(Full):
            self._waiting.put(None, timeout=seconds)
        self._thread.join(max(0.0, ends - time.monotonic()))
        self._given_up.set()
        target = safe_message(self._target)
        if self._thread.is_alive() and not self._down:
            self._report_problem(
                f"{target} has not taken all OpenLineage events in time; the last ones may not be sent", ""
            )
        if self._dropped:
            self._report_problem(f"{self._dropped} OpenLineage events were dropped: {target} took them too slowly", "")

    def _send_until_closed(self) -> None:
        while not self._given_up.is_set() and (seen := self._waiting.get()) is not None:
            self._send_all(seen)

    def _send_all(self, seen: SeenChanges) -> None:
        for change in seen.changes:
            if self._given_up.is_set():
                return
            try:
                # Imported here: the client is slow to load, and one without these facets counts as a failure.
                from reelmill.openlineage.events import EventMaker

                self._transport = self._transport or self._client_transport()
                self._transport.emit(EventMaker(seen, self._namespace).event(change))
            except Exception as error:
                self._count_events("failed", 1)
                if not self._down and not self._given_up.is_set():
                    self._report_problem(
                        f"OpenLineage events cannot be sent: {self._safe_message(error)}",
                        "the run continues without them",
                    )
                self._down = True
            else:
                self._count_events("sent", 1)
                if self._down:
                    self._report_problem("OpenLineage events can be sent again", "")
                self._down = False

    def _client_transport(self) -> Any:
        """The transport of the client."""
        if not self._target.startswith(_WEB):
            from openlineage.client.transport.file import FileConfig, FileTransport

            ends_in_a_line(Path(self._target))
            return FileTransport(FileConfig(log_file_path=self._target, append=True))
        from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider

        url = f"{self._target.rstrip('/').removesuffix(_PATH)}/"
        auth = ApiKeyTokenProvider({"api_key": self._api_key}) if self._api_key else TokenProvider({})
        retry = {
            "total": RETRIES,
            "backoff_factor": 0.3,
            "status_forcelist": [502, 503, 504],
            "allowed_methods": ["POST"],
        }
        return HttpTransport(HttpConfig(url, timeout=REQUEST_SECONDS, auth=auth, retry=retry))

    def _count_events(self, fate: Fate, events: int) -> None:
        if self._count:
            self._count(fate, events)

    def _safe_message(self, error: Exception) -> str:
        """The message of an error, without credentials."""
        text = safe_message(f"{type(error).__name__}: {error}")
        return (text.replace(self._api_key, "…") if self._api_key else text)[:500]

    def _report_problem(self, message: str, hint: str) -> None:
        if self._say:
            self._say(f"{message}; {hint}" if hint else message)
        else:
            event(_log, message, level=logging.WARNING, **({"hint": hint} if hint else {}))


def _check_target(target: str) -> None:
    if has_user_info(target) or has_query(target):
        raise SpecError(
            "the address for OpenLineage events must not contain credentials or a query",
            where=safe_message(target),
            hint="write it as http://host:5000, and put the key into OPENLINEAGE_API_KEY",
        )
    scheme, found, _ = target.partition("://")
    if found and f"{scheme}://" not in _WEB:
        raise SpecError(
            f"OpenLineage events cannot be sent to {scheme}://",
            where=safe_message(target),
            hint="name a file, or a server as http://host:5000",
        )


def _check_client() -> None:
    from importlib.util import find_spec

    try:
        found = find_spec("openlineage.client")
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise SpecError(
            "OpenLineage events need the package openlineage-python, which is not installed",
            hint="install reelmill[openlineage]",
        )
