"""The error hierarchy and the exit codes of steps.

    ReelmillError
    ├── SpecError            invalid input from the user                        exit 64
    ├── StoreError           the object store cannot be used as configured      exit 64
    │   ├── NotFound         no such object, bucket or folder
    │   ├── StoreDamaged     an object differs from what was committed
    │   ├── KeyRefused       the store cannot hold an object with this key
    │   ├── PreconditionFailed   a conditional write or read failed (412)
    │   ├── StoreUnsafe      the store accepts two conditional writes of a key
    │   ├── RangesUnsupported    the server does not return the requested range
    │   └── ServerRefused    a web server is rejected for its address, a redirect or its length
    ├── TransientError       a retry may succeed (5xx, timeouts)                exit 75
    │   ├── Unreachable      the endpoint does not answer at all
    │   ├── Exhausted        the process ran out of memory, files or threads
    │   └── DiskFull         no space left in the store or the scratch folder   exit 64
    ├── StalePlan            the pass was opened with another definition        exit 76
    ├── EarlyAbort           the first items all failed in one class            exit 65
    └── ItemError            one item failed: a ledger row, the process continues

Any other exception that escapes is a bug and exits with 70. The podFailurePolicy of Jobs depends on the exit codes,
so they are part of the contract and must not change.

Every error has a problem, a location and a remedy: `str()` is one line with the first two, `hint` is the third.
Credentials in URLs and addresses of objects are removed from all three.
"""

from enum import IntEnum

from reelmill.contract.text.messages import safe_message


class ExitCode(IntEnum):
    """Exit codes of a step's process."""

    OK = 0
    CONFIG = 64
    EARLY_ABORT = 65
    BUG = 70
    TRANSIENT = 75
    STALE_PLAN = 76


class ReelmillError(Exception):
    """Base class of all errors that reelmill raises.

    `what` is the problem, `where` the file, field, key or address it concerns (may be empty), and `hint` the remedy
    (may be empty).
    """

    exit_code: ExitCode = ExitCode.BUG
    """Exit code of a step that ends with this error."""

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(safe_message(what))
        self.what = safe_message(what)
        self.where = safe_message(where)
        self.hint = safe_message(hint)

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class SpecError(ReelmillError):
    """The resource, the parameters of a block, or a file that they refer to is invalid; the user must correct it."""

    exit_code = ExitCode.CONFIG


class StoreError(ReelmillError):
    """Endpoint, credentials, bucket or permissions are wrong; the user must correct them."""

    exit_code = ExitCode.CONFIG


class NotFound(StoreError):
    """The named object, bucket or folder does not exist."""


class StoreDamaged(StoreError):
    """An object in the store differs from what was committed in its bytes, size or format, or is missing."""


class KeyRefused(StoreError):
    """The store cannot hold an object with this key: it is invalid or too long, or a folder is in its place."""


class PreconditionFailed(StoreError):
    """If-None-Match or If-Match failed: another writer created or changed the object."""


class StoreUnsafe(StoreError):
    """The store accepts two conditional writes of the same key, so commits on it are not safe."""


class RangesUnsupported(StoreError):
    """The server, or a proxy in front of it, does not return the requested range."""


class ServerRefused(StoreError):
    """A web server is rejected because of its address, a redirect, or the length of its response.

    `reason` is an `ItemReason`.
    """

    def __init__(self, reason: str, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.reason = str(reason)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.reason, self.what), {"where": self.where, "hint": self.hint}


class TransientError(ReelmillError):
    """The same call may succeed later: a 5xx response, a timeout, a broken connection."""

    exit_code = ExitCode.TRANSIENT


class Unreachable(TransientError):
    """The endpoint does not answer at all. A running shard retries later; the survey reports a wrong endpoint."""


class Exhausted(TransientError):
    """The process ran out of memory, open files or threads.

    In a worker, it is first attributed to the items (see `reelmill.contract.process.exhaustion`); anywhere else, to the
    machine. `reason` is the `ItemReason` with which an item fails.
    """

    def __init__(self, reason: str, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.reason = str(reason)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.reason, self.what), {"where": self.where, "hint": self.hint}


class DiskFull(TransientError):
    """No space is left in the store or in the scratch folder.

    A user must free space: retries alone would use up the attempts and fail all items of the shard. Completed work is
    kept, and the next run continues from it.
    """

    exit_code = ExitCode.CONFIG


class StalePlan(ReelmillError):
    """The pass in the store was opened with a different definition than that of this task."""

    exit_code = ExitCode.STALE_PLAN


class EarlyAbort(ReelmillError):
    """The first items of a shard all failed in one class, which indicates a wrong configuration rather than bad
    data.
    """

    exit_code = ExitCode.EARLY_ABORT


class OutOfMemory(ReelmillError):
    """Items of a shard need more memory than its pod has, and the next attempt may have more. The reason is the same as
    for a pod killed by the kernel.
    """

    exit_code = ExitCode.EARLY_ABORT


class ItemError(ReelmillError):
    """One item cannot be processed.

    `reason` is its failure class in ledger, retries and status: an `ItemReason`, or any word of a user's stage.
    """

    def __init__(self, reason: str, what: str) -> None:
        super().__init__(what)
        self.reason = str(reason)
