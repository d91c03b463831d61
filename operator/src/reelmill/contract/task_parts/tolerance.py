"""The failure tolerance: above it, later stages process nothing more until a retry succeeds or it is raised."""

from reelmill.contract.records.segment import Counts
from reelmill.contract.spec.failures import DEFAULT_TOLERANCE


def allowed(tolerate: str | None, total: int) -> int:
    """The number of failed items out of `total` that `failures.tolerate` allows, rounded down; None: the default."""
    if tolerate is None:
        return max(allowed(default, total) for default in DEFAULT_TOLERANCE)
    return int(float(tolerate[:-1]) * total / 100) if tolerate.endswith("%") else int(tolerate)


def over_tolerance(tolerate: str | None, totals: Counts) -> bool:
    """Whether more items failed than the tolerance (`20` or `1%`), so that later stages cover nothing more."""
    return totals.failed > allowed(tolerate, totals.in_)


def tolerance_message(tolerate: str | None, totals: Counts) -> str:
    """The message for an exceeded tolerance."""
    share = tolerate or f"{' or '.join(DEFAULT_TOLERANCE)} items"
    return (
        f"{totals.failed} of {totals.in_} items failed, more than the tolerance of {share} "
        f"({allowed(tolerate, totals.in_)}): see the ledger, then retry them or raise failures.tolerate"
    )
