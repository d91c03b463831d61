"""Decisions after failures of shards and of items. Pure functions of plain values; `passes` applies them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from reelmill.contract.errors import ExitCode
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.failures import Failures, RetryItems


class NextAttempt(StrEnum):
    """The next step after an attempt at the shards of a pass, or after a failed open or commit step."""

    COMMIT = "commit"
    """All shards are committed: close the pass."""
    ATTEMPT = "attempt"
    """Run the shards that are not committed again."""
    GIVE_UP = "give_up"
    """Close the pass; items of shards that are not committed become `failed(shard_lost)`."""
    REOPEN = "reopen"
    """Run an open step to read the state from the store."""
    SURVEY = "survey"
    """The plan is stale: start a survey."""
    STALL = "stall"
    """A user has to act."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of the Job of an attempt."""

    number: int
    uncommitted: int
    """Number of shards of the pass that are not committed."""
    done: int
    """Number of shards of the pass that are committed."""
    succeeded: bool
    exit: ExitCode = ExitCode.BUG


def after_shards(attempt: Attempt, failures: Failures) -> NextAttempt:
    """The next step after an attempt.

    An early abort indicates a wrong configuration and stalls the stage, unless other shards succeeded, which indicates
    bad data.
    """
    if attempt.uncommitted == 0:
        return NextAttempt.COMMIT
    if not attempt.succeeded and attempt.exit is ExitCode.CONFIG:
        return NextAttempt.STALL
    if not attempt.succeeded and attempt.exit is ExitCode.STALE_PLAN:
        return NextAttempt.SURVEY
    if attempt.exit is ExitCode.EARLY_ABORT and attempt.done == 0:
        return NextAttempt.STALL
    return NextAttempt.ATTEMPT if attempt.number < failures.attempts else NextAttempt.GIVE_UP


def after_control_step(exit_code: ExitCode, tries: int, attempts: int) -> NextAttempt:
    """The next step after the `tries`-th failure of open and commit steps of a pass."""
    if exit_code is ExitCode.CONFIG or tries >= attempts:
        return NextAttempt.STALL
    return NextAttempt.SURVEY if exit_code is ExitCode.STALE_PLAN else NextAttempt.REOPEN


def failing(reasons: Mapping[str, int], failed: int, classes: Collection[str]) -> bool:
    """Whether there may be failed items of these classes (empty: any), or skipped ones that a retry may help.

    `reasons` may lack rare reasons.
    """
    if any(reasons.get(f"skipped:{name}") for name in classes):
        return True
    if not failed or not classes:
        return failed > 0
    reported = sum(count for reason, count in reasons.items() if reason.startswith("failed:"))
    return reported < failed or any(reasons.get(f"failed:{name}") for name in classes)


def automatic_retry_classes(
    policy: RetryItems | None, retries: int | None, reasons: Mapping[str, int], failed: int
) -> list[str]:
    """Failure classes of the retry pass that `retryItems` starts now; empty: none. `retries` None: unknown, so none."""
    if policy is None or retries is None or retries >= policy.times:
        return []
    return list(policy.classes) if failing(reasons, failed, policy.classes) else []


def classes_within_budget(
    budget: tuple[str, int] | None, reasons: Mapping[str, int], counters: Mapping[str, int]
) -> list[str]:
    """Class of the retry pass for items that a budget stopped and a raised budget allows; empty: none.

    The spending is known whenever items were stopped; without it, nothing is started.
    """
    if not reasons.get(f"skipped:{ItemReason.BUDGET}"):
        return []
    if budget is not None and counters.get(budget[0], budget[1]) >= budget[1]:
        return []
    return [ItemReason.BUDGET.value]


def recoverable_classes(
    budget: tuple[str, int] | None, reasons: Mapping[str, int], counters: Mapping[str, int]
) -> list[str]:
    """Classes of the retry pass for items that were skipped and no longer need to be; empty: none."""
    withdrawn = [ItemReason.WITHDRAWN.value] if reasons.get(f"skipped:{ItemReason.WITHDRAWN}") else []
    return classes_within_budget(budget, reasons, counters) + withdrawn
