"""Converts errors of Azure Blob Storage, of its client and of connections to errors of reelmill with hints."""

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
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
_GONE = {"BlobNotFound", "ResourceNotFound", "404"}
_EXISTS = {
    "BlobAlreadyExists",
    "ConditionNotMet",
    "TargetConditionNotMet",
    "SourceConditionNotMet",
    "UnauthorizedBlobOverwrite",
}
_TRANSIENT = {"ServerBusy", "InternalError", "OperationTimedOut", "ContainerBeingDeleted", "AccountBeingCreated"}
_REFUSED = {
    "AuthenticationFailed": ("the key or signature is wrong", "check AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN"),
    "InvalidAuthenticationInfo": ("the credentials cannot be read", "check the AZURE_STORAGE_… variables"),
    "NoAuthenticationInformation": ("no credentials", "set AZURE_STORAGE_KEY, or give the pod an identity"),
    "AuthorizationFailure": (
        "no permission",
        "allow this identity to list, read, write and delete blobs here; a signature may have expired",
    ),
    "AuthorizationPermissionMismatch": (
        "no permission",
        "give this identity the role Storage Blob Data Contributor (of a source: Storage Blob Data Reader)",
    ),
    "BlobArchived": ("the blob is archived", "rehydrate it first"),
    "BlobImmutableDueToPolicy": ("the blob is immutable", "use a container without an immutability policy"),
    "FeatureVersionMismatch": ("this kind of account cannot do this", "use a general-purpose v2 account"),
}


def no_object(error: ReelmillError) -> bool:
    """Return whether the container exists but the blob does not."""
    return isinstance(error, NotFound) and _code(error.__cause__) in _GONE


def past_end(error: BaseException | None) -> bool:
    """Return whether an exception of the client means that a range started after the end of the blob."""
    return isinstance(error, HttpResponseError) and error.status_code == 416


def explain(error: Exception, *, endpoint: str, container: str, key: str = "") -> ReelmillError | None:
    """Return the error for an exception of the client; None for an exception that does not concern the store."""
    place = f"{endpoint} az://{container}" + (f"/{key}" if key else "")
    if isinstance(error, ReelmillError):
        return error
    if isinstance(error, ClientAuthenticationError) and error.response is None:
        return StoreError(
            f"no credentials: {_first_line(error)}", where=place, hint="set AZURE_STORAGE_KEY, or an identity"
        )
    if isinstance(error, IncompleteReadError | DecodeError):
        return TransientError(f"the connection broke: {_first_line(error)}", where=place, hint=_AGAIN)
    if isinstance(error, HttpResponseError) and error.status_code:
        return _error_of_answer(error, place, container, endpoint)
    if isinstance(error, ServiceRequestTimeoutError | ServiceResponseTimeoutError):
        return Unreachable(
            "the server does not respond in time", where=place, hint="check the endpoint and the network"
        )
    if isinstance(error, ServiceRequestError):
        return Unreachable(
            "the endpoint cannot be reached", where=place, hint="check the account's name and the network"
        )
    if isinstance(error, ServiceResponseError | AzureError | OSError):
        return TransientError(f"the connection broke: {_first_line(error)}", where=place, hint=_AGAIN)
    return None


def _error_of_answer(error: HttpResponseError, place: str, container: str, endpoint: str) -> ReelmillError:
    code, status = _code(error), error.status_code or 0
    if code == "ContainerNotFound":
        return NotFound(
            f"the container {container!r} does not exist", where=endpoint, hint="create it, or check the URI"
        )
    if code in _EXISTS or status == 412:
        return PreconditionFailed("a condition failed: the object exists or has changed", where=place)
    if code in _REFUSED:
        what, hint = _REFUSED[code]
        return StoreError(what, where=place, hint=hint)
    if status == 404:
        return NotFound("no such object", where=place)
    if code in _TRANSIENT or status >= 500 or status in (408, 429):
        return TransientError(f"{code or status}: {_first_line(error)}", where=place, hint=_AGAIN)
    if status in (401, 403):
        return StoreError(f"no permission: {code or status}", where=place, hint="check the AZURE_STORAGE_… variables")
    return StoreError(f"{code or status}: {_first_line(error)}", where=place, hint="check the store's configuration")


def _code(error: BaseException | None) -> str:
    """Return Azure's error code, or the digits of the HTTP status if a response has no code, as those to HEAD."""
    if not isinstance(error, HttpResponseError):
        return ""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or error.status_code or "")


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
