"""How a request to the API server can end other than well: one class for each answer that is handled differently.

Refusal                      the server said no
├── NotFound        404      it is gone: nothing is left to do
├── Conflict        409      it changed since it was read, or exists already
├── Expired         410      the list or version is too old: begin anew
├── Invalid         400 422  the server will never take this
└── Forbidden       401 403  the operator may not do it
Trouble                      it may work later
└── Throttled       429      not before `after` seconds
Fenced                       this process may not write any more
"""

from collections.abc import Mapping


class Refusal(Exception):
    """The API server said no; `status` is the HTTP code, the text its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ObjectNotFound(Refusal): ...


class Conflict(Refusal): ...


class Expired(Refusal): ...


class Invalid(Refusal): ...


class Forbidden(Refusal): ...


class NoAnswer(Exception):
    """No answer, or one that says nothing about the request."""


class Throttled(NoAnswer):
    """The server asks to wait."""

    def __init__(self, message: str, after: float) -> None:
        super().__init__(message)
        self.after = after


class Fenced(Exception):
    """The lease was lost: whatever was begun ends here."""


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


def outcome(status: int, message: str, headers: Mapping[str, str]) -> Refusal | NoAnswer:
    """The error that an answer of 400 and more stands for."""
    try:
        after = min(max(float(headers.get("Retry-After", "")), 0.0), MOST_SECONDS)
    except ValueError:
        after = None
    if status == 429 or (status >= 500 and after is not None):
        return Throttled(message, 1.0 if after is None else after)
    if status >= 500 or status == 408:
        return NoAnswer(f"{status}: {message}")
    return _REFUSALS.get(status, Refusal)(status, message)
