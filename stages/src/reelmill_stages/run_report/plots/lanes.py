"""A plot of lanes, one below the other, each with a name and with bars along one horizontal axis."""

from collections.abc import Sequence

from reelmill_stages.run_report.plots.canvas import GRID, INK, MUTED, NORMAL, SMALL, Canvas, label, text_width

_BAR = 0.62
"""Height of a bar in terms of its lane."""
_GAP, _AXIS, _TITLE = 6.0, 18.0, 16.0
_MARK = 9.0


class Lanes:
    """The plot, `width` pixels wide. The axis goes from `low` to `high`."""

    def __init__(
        self,
        names: Sequence[str],
        width: float,
        low: float,
        high: float,
        *,
        height: float = 26.0,
        right: Sequence[str] = (),
        ink: str = INK,
    ) -> None:
        """`height` is that of a lane; `right` are texts at the lanes' other ends; `ink` is the colour of the names."""
        self._low, self._high, self._height = low, high, height
        shown = [label(name) for name in names]
        size = NORMAL if ink == INK else SMALL
        self._left = max((text_width(name, size) for name in shown), default=0.0) + _GAP + 2
        self._right = width - max((text_width(text) for text in right), default=8.0) - _GAP
        self._bottom = 4 + height * len(shown)
        self.canvas = Canvas(width, self._bottom + _AXIS + _TITLE)
        for lane, name in enumerate(shown):
            self.canvas.text(self._left - _GAP, self._middle(lane), name, ink, size=size, anchor="end")
        for lane, text in enumerate(right):
            self.canvas.text(self._right + _GAP, self._middle(lane), text, MUTED)

    def axis(self, marks: Sequence[tuple[float, str]], title: str, *, grid: bool = True) -> None:
        """Marks, that is values with their texts, and what they are of. Marks that would touch are left out."""
        middle, used = self._bottom + _AXIS / 2, -1e9
        for value, text in marks:
            x, half = self._x(value), text_width(text) / 2
            if grid:
                self.canvas.line([(x, 2), (x, self._bottom)], GRID)
            if x - half < used or x + half > self.canvas.width:
                continue
            self.canvas.text(x, middle, text, MUTED, anchor="middle")
            used = x + half + 4
        middle = (self._left + self._right) / 2
        self.canvas.text(middle, self._bottom + _AXIS + _TITLE / 2 - 1, title, MUTED, size=NORMAL, anchor="middle")

    def bar(
        self, lane: int, first: float, last: float, colour: str, *, part: float = _BAR, opacity: float = 1.0
    ) -> None:
        """A bar between two values, of which `part` is the height in terms of the lane."""
        x, high = self._x(first), self._height * part
        self.canvas.rectangle(x, self._middle(lane) - high / 2, self._x(last) - x, high, colour, opacity=opacity)

    def mark(self, lane: int, value: float, colour: str) -> None:
        """A short vertical line."""
        x, y = self._x(value), self._middle(lane)
        self.canvas.line([(x, y - _MARK / 2), (x, y + _MARK / 2)], colour, width=0.8)

    def note(self, lane: int, text: str) -> None:
        """Text at the begin of a lane."""
        self.canvas.text(self._left + 3, self._middle(lane), text, MUTED)

    def _middle(self, lane: int) -> float:
        return 4 + self._height * (lane + 0.5)

    def _x(self, value: float) -> float:
        return self._left + (value - self._low) / (self._high - self._low) * (self._right - self._left)
