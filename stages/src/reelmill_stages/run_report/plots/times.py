"""Use of time as a plot: for each stage, the recorded time of its workers by activity."""

from collections.abc import Sequence

from matplotlib.ticker import FuncFormatter, MaxNLocator

from reelmill.contract.commands.summary import Rate
from reelmill.contract.text.quantities import time
from reelmill_stages.run_report.plots.canvas import (
    FILTERED,
    GRID,
    KEPT,
    MUTED,
    OTHER,
    SKIPPED,
    figure,
    label,
    room,
    svg,
)

_LANE = 26
KINDS = {"decode": OTHER, "compute": KEPT, "store": FILTERED, "waiting": SKIPPED}


def times(rates: Sequence[Rate], widths: Sequence[int]) -> list[bytes]:
    """The plot in each of the given widths in pixels."""
    names = [label(each.name) for each in rates]
    made, axes = figure(44 + _LANE * len(rates), left=room(names))
    places = list(range(len(rates)))
    left = [0.0] * len(rates)
    for kind, colour in KINDS.items():
        works = [each.usage.work if each.usage else None for each in rates]
        long = [float(getattr(work, kind)) if work else 0.0 for work in works]
        axes.barh(places, long, left=left, height=0.62, color=colour, linewidth=0)
        left = [before + more for before, more in zip(left, long, strict=True)]
    unknown = [each.worker_seconds if not (each.usage and each.usage.work) else 0.0 for each in rates]
    colour = MUTED if any(left) else OTHER
    axes.barh(places, unknown, left=left, height=0.62, color=colour, linewidth=0)
    axes.set_xlim(0, max([*(before + more for before, more in zip(left, unknown, strict=True)), 1e-3]) * 1.03)
    axes.set_ylim(len(rates) - 0.4, -0.6)
    axes.set_yticks(places, names)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: time(value)))
    axes.xaxis.grid(True, color=GRID, linewidth=0.6)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xlabel("time of workers")
    return [svg(made, width) for width in widths]
