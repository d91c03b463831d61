"""Converts responses of web servers, and errors of connections, to errors of reelmill with hints."""

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    IncompleteRead,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from reelmill.contract.errors import (
    NotFound,
    PreconditionFailed,
    ReelmillError,
    StoreError,
    TransientError,
    Unreachable,
)

_AGAIN = "all retries failed; run again later to continue"
_GONE = frozenset({404, 410})
_DENIED = frozenset({401, 403, 407, 451})
_LATER = frozenset({408, 425, 429})
_NEVER = frozenset({501, 505})


def answered(status: int, url: str) -> ReelmillError:
    """Return the error for an unsuccessful response."""
    if status in _GONE:
        return NotFound(f"no such file (HTTP {status})", where=url)
    if status == 412:
        return PreconditionFailed("the file has changed", where=url)
    if status in _LATER or (status >= 500 and status not in _NEVER):
        return TransientError(f"HTTP {status}", where=url, hint=_AGAIN)
    if status in _DENIED:
        return StoreError(f"the server does not permit it (HTTP {status})", where=url, hint="check the address")
    return StoreError(f"HTTP {status}", where=url, hint="check the address")


def unanswered(error: Exception, url: str) -> ReelmillError | None:
    """Return the error for an exception of the client; None for an exception that does not concern the server."""
    if isinstance(error, ReelmillError):
        return error
    if isinstance(error, SSLError):
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return StoreError(
                "the server's certificate is not trusted", where=url, hint="set SSL_CERT_FILE to a file with its CA"
            )
        return TransientError(f"TLS: {error}", where=url, hint=_AGAIN)
    if isinstance(error, NameResolutionError):
        return Unreachable("the host name cannot be resolved", where=url, hint="check the address and the DNS")
    if isinstance(error, NewConnectionError | ConnectTimeoutError):
        return Unreachable("the server cannot be reached", where=url, hint="check the address and the network")
    if isinstance(error, ReadTimeoutError | TimeoutError):
        return Unreachable("the server does not respond in time", where=url, hint="raise web.timeout, or try later")
    if isinstance(error, HTTPError | OSError):
        short = next((each for each in (error, *error.args) if isinstance(each, IncompleteRead)), None)
        cause = f"after {short.partial} bytes, {short.expected} before the end" if short else str(error)
        return TransientError(f"the connection broke: {cause}", where=url, hint=_AGAIN)
    return None
