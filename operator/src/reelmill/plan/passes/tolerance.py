"""The failure tolerance: above it, later stages process nothing more until a retry succeeds or it is raised."""

from reelmill.contract.records.segment import Counts
from reelmill.contract.spec.failures import DEFAULT_TOLERANCE
from reelmill.contract.task_parts.next_pass import allowed


def verdict(tolerate: str | None, totals: Counts) -> str:
    """The message for a tolerance that is exceeded."""
    share = tolerate or f"{' or '.join(DEFAULT_TOLERANCE)} items"
    return (
        f"{totals.failed} of {totals.in_} items failed, more than the tolerance of {share} "
        f"({allowed(tolerate, totals.in_)}): see the ledger, then retry them or raise failures.tolerate"
    )
