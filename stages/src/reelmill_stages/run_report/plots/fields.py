"""A field as a plot: the values where it appears first as an area, and those that are left at the end as a line."""

import math
from collections.abc import Callable, Sequence

from reelmill.contract.commands.summary import Distribution
from reelmill.contract.text.quantities import amount, size, time
from reelmill_stages.run_report.plots import ticks
from reelmill_stages.run_report.plots.canvas import GRID, KEPT, MUTED, OTHER, Canvas, text_width
from reelmill_stages.run_report.plots.lanes import Lanes

WIDTH, HEIGHT = 340, 168
_TOP, _BOTTOM, _RIGHT, _TITLE, _GAP = 6.0, 20.0, 12.0, 16.0, 5.0
_ALONE, _BEHIND = 0.75, 0.45
"""Opacity of the values where a field appears, without others and behind them."""


def histogram(first: Distribution, last: Distribution | None) -> bytes:
    """The plot of numbers, of distributions with the same edges."""
    assert first.histogram is not None
    edges = first.histogram.edges
    most = max(1, *first.histogram.counts) * 1.05
    counts = [(mark, amount(round(mark))) for mark in ticks.numbers(0.0, most, 3, whole=True)]
    left = _TITLE + max(text_width(text) for _, text in counts) + _GAP
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM

    def x(value: float) -> float:
        half = edges[-1] / 2 - edges[0] / 2  # the whole width may be more than a float holds
        return left + ((value / 2 - edges[0] / 2) / half if half else 0.5) * (right - left)

    def y(count: float) -> float:
        return bottom - count / most * (bottom - _TOP)

    canvas = Canvas(WIDTH, HEIGHT)
    canvas.text(_TITLE / 2, (_TOP + bottom) / 2, "items", MUTED, anchor="middle", turn=-90)
    for mark, text in counts:
        canvas.text(left - _GAP, y(mark), text, MUTED, anchor="end")
    stairs = [(x(edge), y(count)) for edge, count in _stairs(edges, first.histogram.counts)]
    canvas.area([(left, bottom), *stairs, (right, bottom)], OTHER, opacity=_BEHIND if last else _ALONE)
    canvas.line([(left, bottom), (right, bottom)], GRID)
    if last and last.histogram:
        canvas.line([(x(edge), y(count)) for edge, count in _stairs(edges, last.histogram.counts)], KEPT, width=1.6)
    used, before = -1e9, ""
    for value, text in _marks(first.field, edges[0], edges[-1]):
        half = text_width(text) / 2
        middle = min(max(x(value), half), WIDTH - half)
        if middle - half >= used and text != before:
            canvas.text(middle, bottom + _BOTTOM / 2, text, MUTED, anchor="middle")
            used, before = middle + half + 4, text
    return canvas.svg()


def classes(counts: Sequence[tuple[str, int, int | None]]) -> bytes:
    """The plot of texts: (value, items at first, items at the end; None: not compared)."""
    compared = any(last is not None for _, _, last in counts)
    most = max([1, *(max(first, last or 0) for _, first, last in counts)]) * 1.05
    plot = Lanes([value for value, _, _ in counts], WIDTH, 0.0, most, height=22.0, ink=MUTED)
    plot.axis([(mark, amount(round(mark))) for mark in ticks.numbers(0.0, most, 4, whole=True)], "items", grid=False)
    for lane, (_, first, last) in enumerate(counts):
        plot.bar(lane, 0.0, first, OTHER, opacity=_BEHIND if compared else _ALONE)
        if last:
            plot.bar(lane, 0.0, last, KEPT, part=0.3)
    return plot.canvas.svg()


def _stairs(edges: Sequence[float], counts: Sequence[int]) -> list[tuple[float, int]]:
    return [point for place, count in enumerate(counts) for point in ((edges[place], count), (edges[place + 1], count))]


def _marks(field: str, low: float, high: float) -> list[tuple[float, str]]:
    """Values of the axis with their texts."""
    found = ticks.numbers(low, high, 5)
    step = found[1] - found[0] if len(found) > 1 else math.inf
    unit: Callable[[float], str] | None = {"media.size": size, "duration": time}.get(field.removeprefix("measures."))
    if unit:
        return [(value, unit(value)) for value in found if value >= 0]
    return [(value, ticks.number(value, step)) for value in found]
