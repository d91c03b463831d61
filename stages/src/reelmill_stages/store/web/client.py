"""Requests to web servers: checked redirects, retries, and limits on requests to one server."""

import email.utils
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import version
from types import TracebackType
from typing import Self

from urllib3 import PoolManager
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from reelmill.contract.errors import ServerRefused
from reelmill.contract.reasons import ItemReason
from reelmill_stages.store.retry import PATIENCE, Attempts, Patience
from reelmill_stages.store.web.errors import answered, unanswered
from reelmill_stages.store.web.rules import Origin, Rules, origin
from reelmill_stages.store.web.turns import Turns

_HEADERS = {"Accept-Encoding": "identity", "User-Agent": f"reelmill/{version('reelmill-stages')}"}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOPS = 5
_FRESH = 60.0
"""Seconds for which a redirect is cached, so that it is requested once for several ranges of a file."""
_REMEMBERED = 256
"""Maximum number of cached redirects: a list may have millions of URLs."""
_PAUSE = 3600.0
"""Maximum pause that a server may request, in seconds."""
_DRAINED = 64 << 10
"""Maximum number of bytes of a response that are read so that its connection can be reused."""


class Answer:
    """A response whose body has not been read; a context manager. It holds a turn until it is closed."""

    def __init__(self, response: BaseHTTPResponse, url: str, first: Mapping[str, str], end: Callable[[], None]) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self.url = url
        self.first_headers = first
        """Headers of the first response: those of the redirect, if there was one."""
        self._response = response
        self._end: Callable[[], None] | None = end

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yield the body, in chunks of at most `size` bytes. Raises exceptions of the client if it is interrupted."""
        while chunk := self._response.read(size, decode_content=False):
            yield chunk

    def close(self) -> None:
        end, self._end = self._end, None
        if end is None:
            return
        try:
            _release(self._response)
        finally:
            end()


class WebClient:
    """Sends requests. Thread-safe, but not to be shared between processes.

    `secret` returns headers for requests to a server; they are sent to no other server.
    """

    def __init__(
        self,
        rules: Rules,
        http: PoolManager,
        turns: Turns,
        *,
        secret: Callable[[Origin], Mapping[str, str]] = lambda _: {},
        patience: Patience = PATIENCE,
    ) -> None:
        self.patience = patience
        self._rules = rules
        self._http = http
        self._turns = turns
        self._secret = secret
        self._moved: dict[str, tuple[str, Mapping[str, str], float]] = {}

    def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        body: bytes | None = None,
        accept: frozenset[int] = frozenset(),
    ) -> Answer:
        """Return the response after redirects, with a status below 300 or in `accept`.

        Raises NotFound, PreconditionFailed, ServerRefused, TransientError if retries fail, and StoreError for other
        statuses.
        """
        attempts = Attempts(self.patience)
        while True:
            try:
                answer = self._ask_through_redirects(method, url, {**_HEADERS, **(headers or {})}, body)
                if answer.status < 300 or answer.status in accept:
                    return answer
                answer.close()
                raise answered(answer.status, url)
            except Exception as error:
                problem = unanswered(error, url)
                if problem is None:
                    raise
                attempts.wait_or_raise(problem, error)

    def _ask_through_redirects(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        known = self._moved.get(url)
        if known and known[2] > time.monotonic():
            answer = self._send_request(method, known[0], headers, body, known[1])
            if answer.status < 300 or answer.status in (412, 416):
                return answer
            answer.close()
        self._moved.pop(url, None)
        target_url, first = url, None
        for _ in range(_HOPS):
            answer = self._send_request(method, target_url, headers, body, first)
            first = first or answer.headers
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not location:
                if target_url != url and answer.status < 300:
                    if len(self._moved) >= _REMEMBERED:
                        self._moved.clear()
                    self._moved[url] = (target_url, first, time.monotonic() + _FRESH)
                return answer
            answer.close()
            target_url = self._rules.target(target_url, location)
        raise ServerRefused(ItemReason.REDIRECT, f"the server redirects more than {_HOPS} times", where=url)

    def _send_request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, first: Mapping[str, str] | None
    ) -> Answer:
        server = origin(url)
        end = self._turns.take(str(server))
        try:
            response = self._http.urlopen(
                method,
                url,
                body=body,
                headers={**headers, **self._secret(server)},
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except BaseException:
            end()
            raise
        if response.status in (429, 503) and (seconds := _seconds_to_wait(response.headers.get("retry-after", ""))):
            self._turns.pause(str(server), min(seconds, _PAUSE))
        return Answer(response, url, first or response.headers, end)


def _seconds_to_wait(header: str) -> float:
    """Parse the header Retry-After, seconds or a date, to seconds; 0 for any other value."""
    if header.strip().isdecimal():
        return float(header)
    with suppress(ValueError, TypeError, OverflowError):
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    return 0.0


def _release(response: BaseHTTPResponse) -> None:
    with suppress(HTTPError, OSError):
        length = response.headers.get("content-length", "")
        short = response.status >= 300 and length.isdecimal() and int(length) <= _DRAINED
        if short or response.length_remaining == 0:  # the latter for HEAD
            response.drain_conn()
        response.close()
        response.release_conn()
