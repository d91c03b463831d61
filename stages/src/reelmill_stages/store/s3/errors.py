"""Converts errors of S3 servers and connections to errors of reelmill with hints."""

from xml.etree.ElementTree import ParseError

from minio.error import InvalidResponseError, S3Error, ServerError
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from reelmill.contract.errors import (
    DiskFull,
    KeyRefused,
    NotFound,
    PreconditionFailed,
    ReelmillError,
    StoreError,
    StoreUnsafe,
    TransientError,
    Unreachable,
)

_AGAIN = "all retries failed; run again later to continue"

_REFUSED = {
    "InvalidAccessKeyId": ("the access key is unknown to the server", "check AWS_ACCESS_KEY_ID"),
    "SignatureDoesNotMatch": ("the secret key is wrong", "check AWS_SECRET_ACCESS_KEY"),
    "InvalidToken": ("the session token is not valid", "renew AWS_SESSION_TOKEN and the keys that belong to it"),
    "InvalidTokenId": ("the session token is not valid", "renew AWS_SESSION_TOKEN and the keys that belong to it"),
    "ExpiredToken": ("the session token has expired", "renew AWS_SESSION_TOKEN and the keys that belong to it"),
    "AccessDenied": (
        "no permission",
        "allow these keys s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject here",
    ),
    "AllAccessDisabled": ("all access to this is disabled", "ask the owner of the bucket"),
    "RequestTimeTooSkewed": ("the clocks of this machine and of the server differ too much", "set the clock (NTP)"),
    "AuthorizationHeaderMalformed": ("the region is wrong", "set the bucket's region"),
    "PermanentRedirect": ("the bucket is at another endpoint", "set the bucket's region and endpoint"),
    "TemporaryRedirect": ("the bucket is at another endpoint", "set the bucket's region and endpoint"),
    "Redirect": ("the bucket is at another endpoint", "set the bucket's region and endpoint"),
    "IllegalLocationConstraintException": ("the region is wrong", "set the bucket's region"),
    "InvalidRegion": ("the region is wrong", "set the bucket's region"),
    "InvalidBucketName": ("invalid bucket name", "check the URI"),
    "InvalidObjectState": ("the object is archived", "restore it from the archive first"),
    "MethodNotAllowed": ("the server does not allow this request", "check that the endpoint is an S3 server"),
}

_KEY_REFUSED = {
    "KeyTooLongError": ("the key is too long for this server", "use shorter names"),
    "XMinioInvalidObjectName": ("the server does not accept this key", "use other names"),
    "XMinioParentIsObject": ("an object has the name of a folder", "use other names"),
}

_NO_OBJECT = {"NoSuchKey", "NoSuchVersion"}
_FULL = {"QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "XMinioStorageFull", "InsufficientStorage"}

_TRANSIENT = {
    "SlowDown",
    "SlowDownRead",
    "SlowDownWrite",
    "InternalError",
    "ServiceUnavailable",
    "Busy",
    "RequestTimeout",
    "OperationAborted",
    "ConditionalRequestConflict",
    "BadDigest",
    "IncompleteBody",
    "XMinioServerNotInitialized",
    "XAmzContentSHA256Mismatch",
    "XAmzContentChecksumMismatch",
}


_UNREADABLE = (ParseError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
"""Exceptions of the client for a response that S3 servers do not send."""
_PROXY = "check that the endpoint is an S3 server, and for proxies between this machine and the server"
_SILENT = "check that an S3 server listens at this endpoint, and that it is not overloaded"


def no_object(error: ReelmillError) -> bool:
    """Return whether the bucket exists but the object does not."""
    cause = error.__cause__
    return isinstance(error, NotFound) and isinstance(cause, S3Error) and cause.code in _NO_OBJECT


def past_end(error: ReelmillError) -> bool:
    """Return whether a range started after the end of the object."""
    cause = error.__cause__
    return isinstance(cause, S3Error) and cause.response.status == 416


def explain(error: Exception, *, endpoint: str, bucket: str, key: str = "") -> ReelmillError | None:
    """Return the error for an exception of the client; None for an exception that does not concern the store."""
    place = f"{endpoint} s3://{bucket}" + (f"/{key}" if key else "")
    if isinstance(error, ReelmillError):
        return error
    if isinstance(error, S3Error):
        return _error_of_answer(error, place, bucket, endpoint)
    if isinstance(error, ServerError):
        return _error_of_status(error.status_code, place)
    if isinstance(error, InvalidResponseError):
        return _error_of_status(int(error._code), place)  # it has no public accessor
    if isinstance(error, HTTPError | OSError):
        return _error_without_answer(error, place)
    if isinstance(error, _UNREADABLE):
        answer_problem = str(error) or type(error).__name__
        return TransientError(f"the server's answer cannot be read: {answer_problem}", where=place, hint=_PROXY)
    return None


def _error_of_answer(error: S3Error, place: str, bucket: str, endpoint: str) -> ReelmillError:
    code, status = error.code or "", error.response.status
    if code == "NoSuchBucket":
        return NotFound(f"the bucket {bucket!r} does not exist", where=endpoint, hint="create it, or check the URI")
    if code in _NO_OBJECT:
        return NotFound("no such object", where=place)
    if code == "PreconditionFailed" or status == 412:
        return PreconditionFailed("a condition failed: the object exists or has changed", where=place)
    if code in _FULL:
        return DiskFull("the store is full", where=place, hint="free some space or raise the quota, then run again")
    if code == "NotImplemented":
        return StoreUnsafe("the server does not support conditional writes", where=place, hint="use a store that does")
    if code in _REFUSED:
        what, hint = _REFUSED[code]
        return StoreError(what, where=place, hint=hint)
    if code in _KEY_REFUSED:
        what, hint = _KEY_REFUSED[code]
        return KeyRefused(what, where=place, hint=hint)
    if code in _TRANSIENT or status >= 500 or status == 429:
        return TransientError(f"{code}: {error.message}", where=place, hint=_AGAIN)
    return StoreError(f"{code}: {error.message}", where=place, hint="check the store's configuration")


def _error_of_status(status: int, place: str) -> ReelmillError:
    if status == 412:
        return PreconditionFailed("a condition failed: the object exists or has changed", where=place)
    if status >= 500 or status == 429:
        return TransientError(f"HTTP {status}", where=place, hint=_AGAIN)
    return StoreError(
        f"the response (HTTP {status}) is not from an S3 server",
        where=place,
        hint="check the endpoint: host, port, http or https",
    )


def _error_without_answer(error: Exception, place: str) -> ReelmillError:
    if isinstance(error, SSLError):
        text = str(error)
        if "CERTIFICATE_VERIFY_FAILED" in text:
            hint = "provide its CA: ca.crt in the Secret, or AWS_CA_BUNDLE on one machine"
            return StoreError("the server's certificate is not trusted", where=place, hint=hint)
        if "WRONG_VERSION_NUMBER" in text or "record layer" in text.lower():
            return StoreError("the server does not use TLS", where=place, hint="use http:// in the endpoint")
        return TransientError(f"TLS: {text}", where=place, hint=_AGAIN)
    if isinstance(error, NameResolutionError):
        return Unreachable(
            "the host name of the endpoint cannot be resolved", where=place, hint="check the endpoint and the DNS"
        )
    if isinstance(error, NewConnectionError | ConnectTimeoutError):
        return Unreachable("the endpoint cannot be reached", where=place, hint="check host, port, firewall and server")
    if isinstance(error, ReadTimeoutError | TimeoutError):
        return Unreachable("the server accepts connections but does not respond in time", where=place, hint=_SILENT)
    return TransientError(f"the connection broke: {error}", where=place, hint=_AGAIN)
