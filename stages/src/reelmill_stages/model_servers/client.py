"""Requests to an OpenAI-compatible server, with retries, and errors that fail an item or stop the stage.

| response | effect |
| --- | --- |
| 429 | retried, not before its Retry-After, until `timeout`: then `server_busy` |
| 408, 425, 5xx, a broken or refused connection, no response | retried in the same way: then `server_failed` |
| 400, 413, 422, other 4xx | `request_rejected`: the server does not accept this item |
| 401, 403, 404, 3xx | SpecError: the server accepts no item |

The API key is read from the environment variable that the pipeline names. It is sent as a header and removed from all
server messages, so it never appears in a message, row or log.
"""

import os
import time
import weakref
from collections.abc import Mapping
from typing import Any

import httpx2

from reelmill.contract.backoff import Backoff, chance
from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.usage import Bound
from reelmill.contract.spec.model_server import ModelServer
from reelmill.contract.text import redaction
from reelmill.contract.text.terminal import printable
from reelmill_stages.metering.work_clock import CLOCK
from reelmill_stages.model_servers.retry_after import retry_after
from reelmill_stages.untrusted.nested import JsonError, load_json

LARGEST = 16 << 20
"""Maximum size in bytes of a response."""
_BACKOFF = Backoff(first=0.5, most=20.0, jitter=0.5)
_CONNECT_SECONDS = 10.0
_CHECK_ATTEMPTS = 3
"""Number of attempts of the check before the first item."""
_INTERNAL_ERROR_ATTEMPTS = 4
"""Number of attempts if the server answers 500, because the cause may be this particular request."""
_RETRIED_STATUSES = {408, 425}
_FATAL_STATUSES = {401, 403, 404}
_MESSAGE_LENGTH = 300


class _AttemptFailed(Exception):
    """A failed attempt that may succeed later, within `attempts`. `wait` is the server's Retry-After in seconds."""

    def __init__(self, reason: ItemReason, what: str, wait: float = 0.0, attempts: int = 1_000) -> None:
        super().__init__(what)
        self.reason = reason
        self.wait = wait
        self.attempts = attempts


class ModelClient:
    """One server, for one process. `timeout` is the time in seconds for one answer including all attempts."""

    def __init__(self, server: ModelServer, timeout: float) -> None:
        self._url = server.url.rstrip("/")
        self._timeout = timeout
        self._key = os.environ.get(server.api_key_env, "") if server.api_key_env else ""
        self._named = server.api_key_env or ""
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._client = httpx2.Client(headers=headers, follow_redirects=False, timeout=timeout)
        self._is_unreachable = False
        weakref.finalize(self, self._client.close)

    def check(self, model: str, *, listed: bool) -> None:
        """Raise SpecError if the key is missing, or, with `listed`, if the server does not list the model."""
        if self._named and not self._key:
            raise SpecError(
                f"the environment variable {self._named} is not set",
                where=self._url,
                hint="in a cluster, add an env entry with a secretRef to the stage; on one machine, export it",
            )
        if not listed:
            return
        try:
            found = self._request_with_retries("GET", "/models", {}, attempts=_CHECK_ATTEMPTS)
        except ItemError as error:
            raise SpecError(
                f"the server does not answer: {error.what}",
                where=self._url,
                hint="start the server, or correct server.url",
            ) from error
        rows = found.get("data")
        names = {str(row.get("id")) for row in rows if isinstance(row, dict)} if isinstance(rows, list) else set()
        if not names & {model, f"{model}:latest"}:
            there = ", ".join(printable(name)[:80] for name in sorted(names)[:5]) or "no model"
            raise SpecError(
                f"the server has no model {model!r}, but {there}",
                where=self._url,
                hint="correct the name, load the model, or set server.checkModel: false",
            )

    def post(self, path: str, **content: Any) -> Mapping[str, Any]:
        """POST `json=`, or `data=` and `files=`; returns the JSON object of the response.

        If a server was unreachable for the whole timeout, later items get a single attempt each until it answers again
        with anything but an error of its own. Raises ItemError and SpecError.
        """
        return self._request_with_retries("POST", path, content)

    def _request_with_retries(
        self, method: str, path: str, content: Mapping[str, Any], attempts: int = 1_000
    ) -> Mapping[str, Any]:
        end = time.monotonic() + self._timeout
        failures = 0
        while True:
            try:
                with CLOCK.on(Bound.WAITING):
                    found = self._request_once(method, path, content, end)
            except _AttemptFailed as error:
                failures += 1
                delay = max(error.wait, _BACKOFF.delay(failures, chance()))
                most = 1 if self._is_unreachable else min(attempts, error.attempts)
                if failures >= most or time.monotonic() + delay >= end:
                    self._is_unreachable = error.reason is ItemReason.SERVER_FAILED
                    tries = "attempt" if failures == 1 else "attempts"
                    raise ItemError(error.reason, f"{error} ({failures} {tries})") from error
                with CLOCK.on(Bound.WAITING):
                    time.sleep(delay)
            else:
                return found

    def _request_once(self, method: str, path: str, content: Mapping[str, Any], end: float) -> Mapping[str, Any]:
        timeout = httpx2.Timeout(max(end - time.monotonic(), 1.0), connect=_CONNECT_SECONDS)
        try:
            with self._client.stream(method, f"{self._url}{path}", timeout=timeout, **content) as response:
                body = self._read_body(response, end)
        except httpx2.TimeoutException as error:
            raise _AttemptFailed(ItemReason.SERVER_FAILED, "no answer in time") from error
        except (httpx2.TransportError, httpx2.StreamError, httpx2.DecodingError) as error:
            raise _AttemptFailed(
                ItemReason.SERVER_FAILED, f"the connection failed: {self._printable_message(str(error))}"
            ) from error
        except httpx2.InvalidURL as error:
            raise SpecError(f"not a URL: {error}", where=self._url, hint="correct server.url") from error
        return self._checked_answer(response, body)

    @staticmethod
    def _read_body(response: httpx2.Response, end: float) -> bytes:
        body = bytearray()
        for part in response.iter_bytes():
            body += part
            if len(body) > LARGEST:
                raise ItemError(ItemReason.BAD_ANSWER, f"the response is larger than {LARGEST} bytes")
            if time.monotonic() > end:
                raise _AttemptFailed(ItemReason.SERVER_FAILED, "the answer did not end in time")
        return bytes(body)

    def _checked_answer(self, response: httpx2.Response, body: bytes) -> Mapping[str, Any]:
        status = response.status_code
        if status < httpx2.codes.INTERNAL_SERVER_ERROR and status not in _RETRIED_STATUSES:
            self._is_unreachable = False
        if status == httpx2.codes.OK:
            return self._parse_object(body)
        message = f"the server answered {status}{self._server_message(body)}"
        if status == httpx2.codes.TOO_MANY_REQUESTS:
            raise _AttemptFailed(ItemReason.SERVER_BUSY, message, retry_after(response.headers.get("Retry-After", "")))
        if status == httpx2.codes.INTERNAL_SERVER_ERROR:
            raise _AttemptFailed(ItemReason.SERVER_FAILED, message, attempts=_INTERNAL_ERROR_ATTEMPTS)
        if status in _RETRIED_STATUSES or status > httpx2.codes.INTERNAL_SERVER_ERROR:
            raise _AttemptFailed(
                ItemReason.SERVER_FAILED, message, retry_after(response.headers.get("Retry-After", ""))
            )
        if status in _FATAL_STATUSES or status < httpx2.codes.BAD_REQUEST:
            raise SpecError(message, where=self._url, hint="correct server.url, the model or the API key")
        raise ItemError(ItemReason.REQUEST_REJECTED, message)

    def _parse_object(self, body: bytes) -> Mapping[str, Any]:
        try:
            found = load_json(body.decode())
        except (JsonError, UnicodeDecodeError) as error:
            raise ItemError(ItemReason.BAD_ANSWER, f"the response is not JSON: {error}") from error
        if not isinstance(found, dict):
            raise ItemError(ItemReason.BAD_ANSWER, "the response is not a JSON object")
        return {name: self._without_key(value) for name, value in found.items()}

    def _server_message(self, body: bytes) -> str:
        """Return the server's message, in the format of OpenAI, vLLM, Ollama or FastAPI; empty for a web page."""
        try:
            found = load_json(body, max_bytes=1 << 20)
        except JsonError:
            return ""
        error = found.get("error", found) if isinstance(found, dict) else None
        message = error.get("message", error.get("detail")) if isinstance(error, dict) else error
        if isinstance(message, list):  # one object for each field that FastAPI rejects
            message = "; ".join(str(part.get("msg")) for part in message if isinstance(part, dict))
        return f": {self._printable_message(message)}" if isinstance(message, str) else ""

    def _printable_message(self, text: str) -> str:
        return printable(self._without_key(text).encode(errors="replace").decode())[:_MESSAGE_LENGTH]

    def _without_key(self, value: Any) -> Any:
        """Return a JSON value without the key in its strings. Short keys are placeholders, such as `EMPTY` or `x`."""
        if isinstance(value, str):
            return value.replace(self._key, "***") if len(self._key) >= redaction.SHORTEST else value
        if isinstance(value, list):
            return [self._without_key(each) for each in value]
        return {name: self._without_key(each) for name, each in value.items()} if isinstance(value, dict) else value
