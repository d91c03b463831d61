"""The failure tolerance: above it, later stages process nothing more until a retry succeeds or it is raised."""

from reelmill.contract.records.segment import Counts
from reelmill.contract.spec.names import allowed


def over_tolerance(tolerate: str | None, totals: Counts) -> bool:
    """Whether the effective number of failed items exceeds the tolerance (`20` or `1%`)."""
    return totals.failed > allowed(tolerate, totals.in_)


def verdict(tolerate: str | None, totals: Counts) -> str:
    """The message for a tolerance that is exceeded."""
    share = tolerate or "1% or 10 items"
    return (
        f"{totals.failed} of {totals.in_} items failed, more than the tolerance of {share} "
        f"({allowed(tolerate, totals.in_)}): see the ledger, then retry them or raise failures.tolerate"
    )
