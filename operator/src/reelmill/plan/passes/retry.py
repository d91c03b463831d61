"""What happens after failure, on both levels: shards that did not commit, and items that failed.

Pure decisions over plain values; `passes` carries them out.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from reelmill.contract.errors import ExitCode
from reelmill.contract.spec.failures import Failures, RetryItems


class NextAttempt(StrEnum):
    """What follows an attempt at a pass's shards, or a failed open or commit step."""

    COMMIT = "commit"
    """All shards are committed: close the pass."""
    ATTEMPT = "attempt"
    """Try what is undone once more."""
    GIVE_UP = "give_up"
    """Close the pass; what is undone becomes `failed(shard_lost)`."""
    REOPEN = "reopen"
    """Ask the store again by an open step."""
    SURVEY = "survey"
    """The plan is stale: begin a run."""
    STALL = "stall"
    """Nothing can help but a person."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an attempt's Job ended."""

    number: int
    undone: int
    """Shards of the pass that are not committed now."""
    done: int
    """Shards of the pass that are."""
    succeeded: bool
    exit: ExitCode = ExitCode.BUG


def after_shards(attempt: Attempt, failures: Failures) -> NextAttempt:
    """What follows an attempt.

    An early abort says that the set-up is wrong: it stalls, unless other shards went well, for then it is the data.
    """
    if attempt.undone == 0:
        return NextAttempt.COMMIT
    if not attempt.succeeded and attempt.exit is ExitCode.CONFIG:
        return NextAttempt.STALL
    if not attempt.succeeded and attempt.exit is ExitCode.STALE_PLAN:
        return NextAttempt.SURVEY
    if attempt.exit is ExitCode.EARLY_ABORT and attempt.done == 0:
        return NextAttempt.STALL
    return NextAttempt.ATTEMPT if attempt.number < failures.attempts else NextAttempt.GIVE_UP


def after_control(exit_code: ExitCode, tries: int, attempts: int) -> NextAttempt:
    """What follows the `tries`-th failure of open and commit steps of one pass."""
    if exit_code is ExitCode.CONFIG or tries >= attempts:
        return NextAttempt.STALL
    return NextAttempt.SURVEY if exit_code is ExitCode.STALE_PLAN else NextAttempt.REOPEN


def failing(reasons: Mapping[str, int], failed: int, classes: Collection[str]) -> bool:
    """Whether there are, or may be, failed items of these classes (empty: any). Rare reasons may be missing."""
    if not failed or not classes:
        return failed > 0
    told = sum(count for reason, count in reasons.items() if reason.startswith("failed:"))
    return told < failed or any(reasons.get(f"failed:{name}") for name in classes)


def retries_by_itself(
    policy: RetryItems | None, retries: int | None, reasons: Mapping[str, int], failed: int
) -> list[str]:
    """Classes of a retry pass that `retryItems` starts now; empty: none. `retries` None: not known, so none."""
    if policy is None or retries is None or retries >= policy.times:
        return []
    return list(policy.classes) if failing(reasons, failed, policy.classes) else []
