"""Passes over time as a plot: one lane for each source and stage, one bar for each pass, one mark for each commit."""

from collections.abc import Sequence
from datetime import UTC, datetime

from reelmill.contract.commands.summary import PassRow
from reelmill_stages.run_report.plots import ticks
from reelmill_stages.run_report.plots.canvas import FILTERED, INK, MUTED, OTHER
from reelmill_stages.run_report.plots.lanes import Lanes

_COLOURS = {"retry": FILTERED, "listing": MUTED}
_LEAST = 0.004
"""Least width of a bar, as a share of the whole time."""


def timeline(names: Sequence[str], passes: Sequence[PassRow], width: int) -> bytes | None:
    """The plot, `width` pixels wide; None where no times are known."""
    timed = [(each, each.closed) for each in passes if each.closed is not None]
    if not timed:
        return None
    begin = min(closed if each.opened is None else each.opened for each, closed in timed)
    end = max(closed for _, closed in timed)
    whole = max(end - begin, 1.0)
    low, high = begin - whole * 0.01, begin + whole * 1.02
    plot = Lanes(names, width, low, high)
    first, last = (datetime.fromtimestamp(moment, UTC).date() for moment in (begin, end))
    title = f"UTC, {first}" if first == last else f"UTC, {first} to {last}"
    plot.axis(ticks.times(low, high, 5 if width < 500 else 8), title)
    for each, closed in timed:
        lane, opened = names.index(each.name), closed if each.opened is None else each.opened
        length = max(closed - opened, whole * _LEAST)
        plot.bar(lane, opened, opened + length, _COLOURS.get(each.kind, OTHER), part=0.6)
        ends = [part.last for part in each.parts if opened <= part.last <= closed]
        if len(ends) > 1:
            for moment in ends:
                plot.mark(lane, moment, INK)
    return plot.canvas.svg()
