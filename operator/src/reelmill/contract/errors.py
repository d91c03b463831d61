"""The one error tree and the exit codes that belong to it.

    ReelmillError
    ├── SpecError            what the user wrote is wrong                       exit 64
    ├── StoreError           the object store cannot be used as configured      exit 64
    │   ├── NotFound         no such object, bucket or folder
    │   ├── PreconditionFailed   a conditional write or read lost (412)
    │   └── StoreUnsafe      the store lets two conditional writers win
    ├── TransientError       may work the next time (5xx, timeouts)             exit 75
    │   ├── Unreachable      the endpoint gives no answer at all: down, or wrong
    │   └── DiskFull         no room in the store or in the scratch folder       exit 64
    ├── StalePlan            a pass was opened otherwise than this task says    exit 76
    ├── EarlyAbort           the first items all failed in one class            exit 65
    └── ItemError            one item cannot be done: a ledger row, no exit

Anything else that escapes is a bug and exits 70. Kubernetes reads the exit codes through the Job's
podFailurePolicy, so they are part of the contract: never renumber them.

Every error says what happened, where, and what to do: `str()` gives one line, `hint` the way out.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a step's process ends."""

    OK = 0
    CONFIG = 64
    EARLY_ABORT = 65
    BUG = 70
    TRANSIENT = 75
    STALE_PLAN = 76


class ReelmillError(Exception):
    """Root of all errors that reelmill raises on purpose."""

    exit_code: ExitCode = ExitCode.BUG

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class SpecError(ReelmillError):
    """The resource, a block's parameters or a file that they name is wrong; the user must change it."""

    exit_code = ExitCode.CONFIG


class StoreError(ReelmillError):
    """Endpoint, credentials, bucket or permissions are wrong; the user must change them."""

    exit_code = ExitCode.CONFIG


class NotFound(StoreError):
    """The named object, bucket or folder does not exist."""


class PreconditionFailed(StoreError):
    """If-None-Match or If-Match did not hold: somebody else wrote, or the object changed."""


class StoreUnsafe(StoreError):
    """The store accepts two conditional writes of one key, so commits on it would lie."""


class TransientError(ReelmillError):
    """The same call may succeed later: 5xx, a timeout, a cut connection."""

    exit_code = ExitCode.TRANSIENT


class Unreachable(TransientError):
    """The endpoint gives no answer at all. A running shard tries again later; the survey says that it is wrong."""


class DiskFull(TransientError):
    """The store or the scratch folder has no room. Somebody must make some: tries alone would only use up attempts, and
    lose every item of a shard for it. What is done stays, and the next run goes on from there.
    """

    exit_code = ExitCode.CONFIG


class StalePlan(ReelmillError):
    """The pass in the store was opened with another definition than this task carries."""

    exit_code = ExitCode.STALE_PLAN


class EarlyAbort(ReelmillError):
    """The first items of a shard all failed in one class: the set-up is wrong, not the data."""

    exit_code = ExitCode.EARLY_ABORT


class ItemError(ReelmillError):
    """One item cannot be done.

    `reason` is the word that ledgers, retries and status use: an `ItemReason`, or any word of a user's own stage.
    """

    def __init__(self, reason: str, what: str) -> None:
        super().__init__(what)
        self.reason = str(reason)
