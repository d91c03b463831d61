"""A field as a plot: the values where it appears first as an area, and those that are left at the end as a line."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator

from reelmill.contract.commands.summary import Distribution
from reelmill.contract.text.quantities import size, time
from reelmill_stages.run_report.plots.canvas import KEPT, MUTED, OTHER, figure, label, svg

WIDTH, HEIGHT = 340, 168


def histogram(first: Distribution, last: Distribution | None) -> bytes:
    """The plot of numbers, of distributions with the same edges."""
    assert first.histogram is not None
    made, axes = figure(WIDTH, HEIGHT)
    edges = first.histogram.edges
    axes.stairs(first.histogram.counts, edges, fill=True, color=OTHER, alpha=0.45 if last else 0.75, linewidth=0)
    if last and last.histogram:
        axes.stairs(last.histogram.counts, edges, fill=False, color=KEPT, linewidth=1.6)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, max(1, *first.histogram.counts) * 1.05)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    unit = {"media.size": size, "duration": time}.get(first.field.removeprefix("measures."))
    if not unit and max(abs(edges[0]), abs(edges[-1])) >= 1e4:
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    if unit:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: unit(value) if value >= 0 else ""))
    _plain(axes)
    axes.set_ylabel("items", fontsize=9)
    return svg(made)


def classes(counts: Sequence[tuple[str, int, int | None]]) -> bytes:
    """The plot of texts: (value, items at first, items at the end; None: not compared)."""
    made, axes = figure(WIDTH, 40 + 22 * len(counts))
    places = range(len(counts))
    compared = any(last is not None for _, _, last in counts)
    axes.barh(places, [first for _, first, _ in counts], height=0.66, color=OTHER, alpha=0.45 if compared else 0.75)
    if compared:
        axes.barh(places, [last or 0 for _, _, last in counts], height=0.3, color=KEPT)
    axes.set_yticks(list(places), [label(value) for value, _, _ in counts])
    axes.set_ylim(len(counts) - 0.4, -0.6)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    _plain(axes)
    axes.set_xlabel("items", fontsize=9)
    return svg(made)


def _plain(axes: Axes) -> None:
    axes.tick_params(length=0, labelsize=9, pad=5)
    axes.tick_params(axis="y", labelcolor=MUTED)
    axes.spines["left"].set_visible(False)
