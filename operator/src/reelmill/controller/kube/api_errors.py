"""Errors of requests to the API server: one class for each case that is handled differently.

Refusal                      the server rejected the request
├── ObjectNotFound  404      the object no longer exists
├── Conflict        409      the object changed since it was read, or already exists
├── Expired         410      the list or version is too old: start again
├── Invalid         400 422  the object is invalid
└── Forbidden       401 403  the operator has no permission
NoAnswer                     a retry may succeed
├── ServerFault     5xx      the server, or an admission webhook that it calls, failed
└── Throttled       429      retry after `after` seconds
Fenced                       this process must not write anymore
"""

from collections.abc import Mapping


class Refusal(Exception):
    """The API server rejected a request; `status` is the HTTP status, the text its message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ObjectNotFound(Refusal): ...


class Conflict(Refusal): ...


class Expired(Refusal): ...


class Invalid(Refusal): ...


class Forbidden(Refusal): ...


class NoAnswer(Exception):
    """There is no response, or one that does not concern the request itself."""


class ServerFault(NoAnswer): ...


class Throttled(NoAnswer):
    """The server asks to wait `after` seconds."""

    def __init__(self, message: str, after: float) -> None:
        super().__init__(message)
        self.after = after


class Fenced(Exception):
    """The Lease was lost, so the write was not sent."""


_REFUSALS = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: ObjectNotFound,
    409: Conflict,
    410: Expired,
    422: Invalid,
}
MOST_SECONDS = 60.0


def response_error(status: int, message: str, headers: Mapping[str, str]) -> Refusal | NoAnswer:
    """The error for a response with a status of 400 or more."""
    retry_after = headers.get("Retry-After", "").strip()
    after = min(float(retry_after), MOST_SECONDS) if retry_after.isascii() and retry_after.isdecimal() else None
    if status == 429 or (status >= 500 and after is not None):
        return Throttled(message, 1.0 if after is None else after)
    if status >= 500:
        return ServerFault(f"{status}: {message}")
    if status == 408:
        return NoAnswer(f"{status}: {message}")
    return _REFUSALS.get(status, Refusal)(status, message)
