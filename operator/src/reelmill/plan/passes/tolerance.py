"""The failure tolerance: above it, later stages process nothing more until a retry succeeds or it is raised."""

from reelmill.contract.records.segment import Counts

SHARE, COUNT = "1%", 10
"""The default: so many failed items are tolerated, whichever is more; one broken file stops no small pipeline."""


def allowed(tolerate: str | None, total: int) -> int:
    """The number of failed items out of `total` that are tolerated, rounded down; None: the default."""
    if tolerate is None:
        return max(allowed(SHARE, total), COUNT)
    return int(float(tolerate[:-1]) * total / 100) if tolerate.endswith("%") else int(tolerate)


def over_tolerance(tolerate: str | None, totals: Counts) -> bool:
    """Whether the effective number of failed items exceeds the tolerance (`20` or `1%`)."""
    return totals.failed > allowed(tolerate, totals.in_)


def verdict(tolerate: str | None, totals: Counts) -> str:
    """The message for a tolerance that is exceeded."""
    share = tolerate or f"{SHARE} or {COUNT} items"
    return (
        f"{totals.failed} of {totals.in_} items failed, more than the tolerance of {share} "
        f"({allowed(tolerate, totals.in_)}): see the ledger, then retry them or raise failures.tolerate"
    )
