"""The tolerance gate: above it, later stages cover nothing more until a retry or a raised tolerance opens it."""

from reelmill.contract.segment import Counts
from reelmill.contract.spec.names import allowed


def over_tolerance(tolerate: str | None, totals: Counts) -> bool:
    """Whether more items failed, effectively, than the share or number allows."""
    return totals.failed > allowed(tolerate, totals.in_)


def verdict(tolerate: str | None, totals: Counts) -> str:
    """The closed gate in words."""
    share = tolerate or "1% or 10 items"
    return (
        f"{totals.failed} of {totals.in_} items failed, tolerated are {share} ({allowed(tolerate, totals.in_)}): "
        "look at the ledger, then retry them or raise failures.tolerate"
    )
