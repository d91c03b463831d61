"""Converts errors of Google Cloud Storage, of its client and of connections to errors of reelmill with hints."""

from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from requests.exceptions import ConnectionError as Unconnected
from requests.exceptions import ConnectTimeout, ReadTimeout, RequestException, SSLError
from urllib3.exceptions import HTTPError

from reelmill.contract.errors import (
    NotFound,
    PreconditionFailed,
    ReelmillError,
    StoreError,
    TransientError,
    Unreachable,
)

_AGAIN = "all retries failed; run again later to continue"
_LATER = frozenset({408, 429})
_DAMAGED = "doesn't match calculated CRC32C"
_NO_CONNECTION = ("Failed to establish", "Max retries exceeded", "NameResolution")
_ROLE = "give this identity the role Storage Object User (of a source: Storage Object Viewer)"


def past_end(error: BaseException | None) -> bool:
    """Return whether an exception of the client means that a range started after the end of the object."""
    return isinstance(error, GoogleAPICallError) and error.code == 416


def explain(error: Exception, *, endpoint: str, bucket: str, key: str = "") -> ReelmillError | None:
    """Return the error for an exception of the client; None for an exception that does not concern the store."""
    place = f"{endpoint} gs://{bucket}" + (f"/{key}" if key else "")
    if isinstance(error, ReelmillError):
        return error
    if isinstance(error, GoogleAPICallError):
        return _error_of_answer(error.code or 0, _first_line(error), place)
    if isinstance(error, InvalidResponse):
        return _error_of_answer(error.response.status_code, _first_line(error), place)
    if isinstance(error, DataCorruption):
        return TransientError("the checksum of what was read is wrong", where=place, hint=_AGAIN)
    if isinstance(error, RefreshError) and not error.retryable:
        return StoreError(
            f"the credentials are rejected: {_first_line(error)}", where=place, hint="check the key or identity"
        )
    if isinstance(error, SSLError):
        return StoreError(f"TLS: {_first_line(error)}", where=place, hint="check the endpoint, and REQUESTS_CA_BUNDLE")
    if isinstance(error, ConnectTimeout) or (
        isinstance(error, Unconnected) and any(word in str(error) for word in _NO_CONNECTION)
    ):
        return Unreachable("the endpoint cannot be reached", where=place, hint="check the endpoint and the network")
    if isinstance(error, ReadTimeout):
        return Unreachable(
            "the server does not respond in time", where=place, hint="check the endpoint and the network"
        )
    if isinstance(error, RequestException | TransportError | HTTPError | OSError):
        return TransientError(f"the connection broke: {_first_line(error)}", where=place, hint=_AGAIN)
    if isinstance(error, GoogleAuthError):
        return StoreError(f"no credentials: {_first_line(error)}", where=place, hint="check the key or identity")
    if _raised_by_client(error):
        hint = "check the endpoint: another program may answer there"
        return StoreError("the answer is not one of Google Cloud Storage", where=place, hint=hint)
    return None


def _raised_by_client(error: Exception) -> bool:
    """Return whether the client could not interpret an answer, such as an error of another form."""
    last = error.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    return last is not None and str(last.tb_frame.f_globals.get("__name__")).startswith("google.")


def _error_of_answer(status: int, line: str, place: str) -> ReelmillError:
    if status == 412:
        return PreconditionFailed("a condition failed: the object exists or has changed", where=place)
    if status == 404:
        return NotFound("no such object", where=place)
    if status == 400 and _DAMAGED in line:
        return TransientError("the checksum of what was written is wrong", where=place, hint=_AGAIN)
    if status in _LATER or status >= 500:
        return TransientError(f"HTTP {status}: {line}", where=place, hint=_AGAIN)
    if status == 401:
        return StoreError("the credentials are not accepted", where=place, hint="check the key or identity")
    if status == 403:
        return StoreError("no permission", where=place, hint=_ROLE)
    return StoreError(f"HTTP {status}: {line}", where=place, hint="check the store's configuration")


def _first_line(error: BaseException) -> str:
    # Errors about identities contain the response of the server after the message.
    reported = error.args[0] if isinstance(error, GoogleAuthError) and error.args else error
    return (str(reported).strip() or type(error).__name__).splitlines()[0][:300]
