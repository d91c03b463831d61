"""Passes over time as a plot: one lane for each source and stage, one bar for each pass, one mark for each commit."""

from collections.abc import Sequence
from datetime import UTC, datetime

from matplotlib.dates import AutoDateLocator, DateFormatter

from reelmill.contract.commands.summary import PassRow
from reelmill_stages.run_report.plots.canvas import FILTERED, GRID, INK, MUTED, OTHER, figure, label, room, svg

_LANE = 26
_LEAST = 0.004
"""Minimum width of a bar, as a share of the total time."""


def timeline(names: Sequence[str], passes: Sequence[PassRow], widths: Sequence[int]) -> list[bytes]:
    """The plot in each of the given widths in pixels; empty if no times are known."""
    timed = [each for each in passes if each.closed is not None]
    if not timed:
        return []
    begin = min(each.closed if each.opened is None else each.opened for each in timed if each.closed is not None)
    end = max(each.closed for each in timed if each.closed is not None)
    whole = max(end - begin, 1.0)
    labels = [label(name) for name in names]
    made, axes = figure(48 + _LANE * len(names), left=room(labels))
    for each in timed:
        if each.closed is None:
            continue
        lane = names.index(each.name)
        opened = each.closed if each.opened is None else each.opened
        long = max(each.closed - opened, whole * _LEAST)
        colour = {"retry": FILTERED, "listing": MUTED}.get(each.kind, OTHER)
        axes.broken_barh([(_days(opened), long / 86400)], (lane - 0.3, 0.6), facecolors=colour, linewidth=0)
        ends = [_days(part.last) for part in each.parts if opened <= part.last <= each.closed]
        if len(ends) > 1:
            axes.plot(
                ends, [lane] * len(ends), linestyle="none", marker="|", markersize=9, color=INK, markeredgewidth=0.8
            )
    axes.set_xlim(_days(begin - whole * 0.01), _days(end + whole * 0.02))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), labels)
    axes.xaxis.set_major_formatter(DateFormatter(_form(whole), tz=UTC))  # type: ignore[no-untyped-call]
    first, last = (datetime.fromtimestamp(moment, UTC).date() for moment in (begin, end))
    axes.set_xlabel(f"UTC, {first}" if first == last else f"UTC, {first} to {last}")
    axes.xaxis.grid(True, color=GRID, linewidth=0.6)
    axes.spines[["left", "bottom"]].set_visible(False)
    images = []
    for width in widths:
        locator = AutoDateLocator(tz=UTC, minticks=2, maxticks=5 if width < 500 else 8)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        images.append(svg(made, width))
    return images


def _form(seconds: float) -> str:
    """Format of times on an axis of this length."""
    return "%H:%M:%S" if seconds < 600 else "%H:%M" if seconds < 172_800 else "%d %b"


def _days(seconds: float) -> float:
    """A time in matplotlib's units: days since 1970."""
    return seconds / 86400
