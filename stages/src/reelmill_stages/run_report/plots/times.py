"""Where the time went as a plot: of each stage, the time of its workers by what they did, as far as records tell."""

from collections.abc import Sequence

from reelmill.contract.commands.summary import Rate
from reelmill.contract.text.quantities import time
from reelmill_stages.run_report.plots import ticks
from reelmill_stages.run_report.plots.canvas import FILTERED, KEPT, MUTED, OTHER, SKIPPED
from reelmill_stages.run_report.plots.lanes import Lanes

KINDS = {"decode": OTHER, "compute": KEPT, "store": FILTERED, "waiting": SKIPPED}


def times(rates: Sequence[Rate], width: int) -> bytes:
    """The plot, `width` pixels wide."""
    parts = [_parts(each) for each in rates]
    longest = max([*(sum(seconds for seconds, _ in each) for each in parts), 1e-3])
    if not any(colour in KINDS.values() and seconds for each in parts for seconds, colour in each):
        parts = [[(seconds, OTHER) for seconds, _ in each] for each in parts]
    plot = Lanes([each.name for each in rates], width, 0.0, longest * 1.03)
    plot.axis([(mark, time(mark)) for mark in ticks.numbers(0.0, longest * 1.03, 4)], "time of workers")
    for lane, bars in enumerate(parts):
        left = 0.0
        for seconds, colour in bars:
            plot.bar(lane, left, left + seconds, colour)
            left += seconds
    return plot.canvas.svg()


def _parts(rate: Rate) -> list[tuple[float, str]]:
    """Seconds with their colours; muted where nobody knows what was done in them."""
    work = rate.usage.work if rate.usage else None
    if not work:
        return [(rate.worker_seconds, MUTED)]
    return [(float(getattr(work, kind)), colour) for kind, colour in KINDS.items()]
