"""The failure tolerance: above it, later stages process nothing more until a retry succeeds or it is raised.

A source has no tolerance of its own: it is only over it if every row failed.
"""

from reelmill.contract.records.segment import Counts
from reelmill.contract.spec.failures import DEFAULT_TOLERANCE
from reelmill.contract.text.quantities import amount, count_of

_WHAT_TO_DO = "see the ledger, then retry them or raise failures.tolerate"
_SOURCE_REMEDY = "see the ledger and correct the source; every listing reads failed rows again"


def allowed(tolerate: str | None, total: int) -> int:
    """The number of failed items out of `total` that `failures.tolerate` allows, rounded down; None: the default."""
    if tolerate is None:
        return max(allowed(default, total) for default in DEFAULT_TOLERANCE)
    return int(float(tolerate[:-1]) * total / 100) if tolerate.endswith("%") else int(tolerate)


def has_only_failures(totals: Counts) -> bool:
    """Whether something was examined, and all of it failed or was skipped."""
    return totals.failed > 0 and totals.done == 0 and totals.filtered == 0


def over_tolerance(tolerate: str | None, totals: Counts) -> bool:
    """Whether more items failed than the tolerance (`20` or `1%`), so that later stages cover nothing more.

    The default does not cover a stage of which every examined item failed; a value that is set applies exactly.
    """
    if tolerate is None and has_only_failures(totals):
        return True
    return totals.failed > allowed(tolerate, totals.in_)


def tolerance_message(tolerate: str | None, totals: Counts) -> str:
    """The message for an exceeded tolerance."""
    if tolerate is None and has_only_failures(totals):
        what = "the only item" if totals.failed == 1 else f"all {amount(totals.failed)} items"
        skipped = f" ({amount(totals.skipped)} skipped)" if totals.skipped else ""
        return f"{what} failed{skipped}, which the default tolerance never covers: {_WHAT_TO_DO}"
    share = tolerate or f"{' or '.join(DEFAULT_TOLERANCE)} items"
    return (
        f"{amount(totals.failed)} of {count_of(totals.in_, 'item')} failed, more than the tolerance of {share} "
        f"({amount(allowed(tolerate, totals.in_))}): {_WHAT_TO_DO}"
    )


def source_message(failed: int) -> str:
    """The message for a source of which every row failed."""
    rows = "the only row" if failed == 1 else f"all {amount(failed)} rows"
    return f"{rows} of the source failed, so no stage has any input from it: {_SOURCE_REMEDY}"
