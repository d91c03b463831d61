"""The funnel as a plot: for each source and stage, the shares of its inputs that were kept and lost."""

from collections.abc import Sequence

from matplotlib.ticker import PercentFormatter
from matplotlib.transforms import blended_transform_factory

from reelmill.contract.commands.funnel import FunnelRow
from reelmill.contract.text.quantities import amount
from reelmill_stages.run_report.plots.canvas import (
    FAILED,
    FILTERED,
    GRID,
    KEPT,
    MUTED,
    SKIPPED,
    figure,
    label,
    room,
    svg,
)

_BAR = 26
_COLOURS = {"filtered": FILTERED, "failed": FAILED, "skipped": SKIPPED}


def shares(rows: Sequence[FunnelRow], widths: Sequence[int]) -> list[bytes]:
    """The plot in each of the given widths in pixels. A share that is not zero is at least half a percent wide."""
    names = [label(each.name) for each in rows]
    counts_in = [amount(row.items_in) for row in rows]
    made, axes = figure(44 + _BAR * len(rows), left=room(names), right=room(counts_in))
    places = range(len(rows))
    left = [0.0] * len(rows)
    parts = [([row.items_kept for row in rows], KEPT)]
    for outcome, colour in _COLOURS.items():
        lost = [sum(loss.items for loss in row.lost if loss.outcome == outcome) for row in rows]
        parts.append((lost, colour))
    for counts, colour in parts:
        wide = [
            max(count / row.items_in, 0.005) if count and row.items_in else 0.0
            for count, row in zip(counts, rows, strict=True)
        ]
        if any(wide):
            axes.barh(places, wide, left=left, height=0.62, color=colour, linewidth=0)
        left = [before + more for before, more in zip(left, wide, strict=True)]
    for place, row in zip(places, rows, strict=True):
        if not row.items_in:
            axes.text(0.01, place, "no input", va="center", color=MUTED, fontsize=9)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks(list(places), names)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.xaxis.grid(True, color=GRID, linewidth=0.6)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xlabel("share of the inputs")
    at_edge = blended_transform_factory(made.transFigure, axes.transData)
    for place, text in zip(places, counts_in, strict=True):
        axes.text(1, place, text, transform=at_edge, ha="right", va="center", color=MUTED)
    return [svg(made, width) for width in widths]
