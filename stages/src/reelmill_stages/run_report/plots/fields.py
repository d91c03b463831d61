"""A plot of a field: its values where it first appears as an area, and those left at the end as a line."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator

from reelmill.contract.commands.summary import Distribution
from reelmill.contract.text.quantities import size, time
from reelmill_stages.run_report.plots.canvas import KEPT, MUTED, OTHER, PAD, figure, label, room, svg

WIDTH, HEIGHT = 340, 168
_SMALL = 9
_MANY, _FEW = 10_000, 0.001
"""Numbers outside this range are abbreviated."""


def histogram(first: Distribution, last: Distribution | None) -> bytes:
    """The plot of numbers, from distributions with the same edges."""
    assert first.histogram is not None
    most = max(1, *first.histogram.counts)
    widest = str(most) if most < _MANY else "000.0k"
    made, axes = figure(HEIGHT, left=room([widest], _SMALL) + _SMALL + PAD, below=2 * PAD + _SMALL)
    edges = first.histogram.edges
    axes.stairs(first.histogram.counts, edges, fill=True, color=OTHER, alpha=0.45 if last else 0.75, linewidth=0)
    if last and last.histogram:
        axes.stairs(last.histogram.counts, edges, fill=False, color=KEPT, linewidth=1.6)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, most * 1.05)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    _shorten(axes.yaxis, most)
    unit = {"media.size": size, "duration": time}.get(first.field.removeprefix("measures."))
    if unit:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: unit(value) if value >= 0 else ""))
    else:
        _shorten(axes.xaxis, max(abs(edges[0]), abs(edges[-1])))
    _hide_left_axis(axes)
    axes.set_ylabel("items", fontsize=_SMALL)
    return svg(made, WIDTH)


def classes(counts: Sequence[tuple[str, int, int | None]]) -> bytes:
    """The plot of texts: (value, items at first, items at the end; None: not compared)."""
    names = [label(value) for value, _, _ in counts]
    made, axes = figure(40 + 22 * len(counts), left=room(names, _SMALL))
    places = range(len(counts))
    compared = any(last is not None for _, _, last in counts)
    axes.barh(places, [first for _, first, _ in counts], height=0.66, color=OTHER, alpha=0.45 if compared else 0.75)
    if compared:
        axes.barh(places, [last or 0 for _, _, last in counts], height=0.3, color=KEPT)
    axes.set_yticks(list(places), names)
    axes.set_ylim(len(counts) - 0.4, -0.6)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    _shorten(axes.xaxis, max(max(first, last or 0) for _, first, last in counts))
    _hide_left_axis(axes)
    axes.set_xlabel("items", fontsize=_SMALL)
    return svg(made, WIDTH)


def _shorten(axis: Axis, largest: float) -> None:
    """Abbreviate long numbers as 12.5k or 3µ; matplotlib would show their power of ten at the edge."""
    if largest >= _MANY or 0 < largest < _FEW:
        axis.set_major_formatter(EngFormatter(sep=""))


def _hide_left_axis(axes: Axes) -> None:
    axes.tick_params(axis="y", labelsize=_SMALL, labelcolor=MUTED)
    axes.spines["left"].set_visible(False)
