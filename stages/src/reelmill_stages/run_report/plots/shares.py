"""The funnel as a plot: of each source and stage, the shares of its inputs that were kept and lost."""

from collections.abc import Sequence

from reelmill.contract.commands.funnel import FunnelRow
from reelmill.contract.text.quantities import amount
from reelmill_stages.run_report.plots.canvas import FAILED, FILTERED, KEPT, SKIPPED
from reelmill_stages.run_report.plots.lanes import Lanes

_LOST = {"filtered": FILTERED, "failed": FAILED, "skipped": SKIPPED}
_LEAST = 0.005
"""Least width of a share that is not zero."""


def shares(rows: Sequence[FunnelRow], width: int) -> bytes:
    """The plot, `width` pixels wide. A share that is not zero is at least half a percent wide."""
    plot = Lanes([row.name for row in rows], width, 0.0, 1.02, right=[amount(row.items_in) for row in rows])
    plot.axis([(share / 5, f"{share * 20}%") for share in range(6)], "share of the inputs")
    for lane, row in enumerate(rows):
        if not row.items_in:
            plot.note(lane, "no input")
            continue
        left = 0.0
        for count, colour in [(row.items_kept, KEPT), *((_lost(row, name), each) for name, each in _LOST.items())]:
            share = max(count / row.items_in, _LEAST) if count else 0.0
            plot.bar(lane, left, left + share, colour)
            left += share
    return plot.canvas.svg()


def _lost(row: FunnelRow, outcome: str) -> int:
    return sum(loss.items for loss in row.lost if loss.outcome == outcome)
