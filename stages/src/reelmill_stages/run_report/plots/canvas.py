"""A matplotlib figure as an SVG image that follows the reader's colour scheme, light or dark.

Figures are drawn in the placeholder colours below; in the SVG they become variables. Each image has separate styles and
ids, so it cannot affect the page, and equal figures give equal bytes.
"""

import io
import logging
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import LayoutEngine
from matplotlib.textpath import text_to_path

from reelmill_stages.run_report.words import brief, plain

DPI = 72
PAD = 4
"""Pixels between axes and labels, and at the edge."""
ABOVE, ASIDE, BELOW = 4, 28, 34
"""Pixels around the axes: above; beside, for half a label of the last tick; below, for labels and their title."""
INK, MUTED, GRID = "#010101", "#020202", "#030303"
KEPT, FILTERED, FAILED, SKIPPED, OTHER = "#040404", "#050505", "#060606", "#070707", "#080808"

_LIGHT = ("#1f2328", "#59636e", "#d1d9e0", "#1a7f72", "#d08700", "#c4384a", "#8c959f", "#3b6fd4")
_DARK = ("#f0f6fc", "#9198a1", "#3d444d", "#3fb8a6", "#e3a83b", "#f2727f", "#7d8590", "#7aa2f7")
_NAMES = ("ink", "muted", "grid", "kept", "filtered", "failed", "skipped", "other")
_COLOURS = dict(zip((INK, MUTED, GRID, KEPT, FILTERED, FAILED, SKIPPED, OTHER), _NAMES, strict=True))
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "reelmill",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "sans-serif"],
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.grid": False,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "axes.formatter.use_mathtext": False,
    "axes.unicode_minus": True,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.major.pad": PAD,
    "ytick.major.pad": PAD,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 10,
    "hatch.linewidth": 0.5,
}
_COLOUR = re.compile("|".join(_COLOURS))
_LONGEST = 26
_FAR = 1000


@contextmanager
def drawing() -> Iterator[None]:
    """Context manager in which figures are made and rendered."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    with mpl.rc_context(cast("Any", _STYLE)), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about glyphs missing in its own font; the reader's fonts have them
        yield


class Margins(LayoutEngine):
    """Pixels around the only axes of a figure.

    The plots know the size of their labels. To measure it, the layout engines of matplotlib lay out all text several
    times, which takes longer than drawing.
    """

    _adjust_compatible = True
    _colorbar_gridspec = True

    def __init__(self, left: float, right: float, below: float) -> None:
        super().__init__()
        self._left, self._right, self._below = left, right, below

    def execute(self, fig: Figure) -> None:
        """Place the axes."""
        (axes,) = fig.axes
        width, height = fig.bbox.width, fig.bbox.height
        sides, ends = self._left + self._right, self._below + ABOVE
        axes.set_position((self._left / width, self._below / height, 1 - sides / width, 1 - ends / height))


def room(labels: Iterable[str], size: float = 10) -> float:
    """Pixels that tick labels take beside the axes."""
    font = FontProperties(size=size)
    widths = [text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] for text in labels]
    return max(widths, default=0.0) + 2 * PAD


def figure(height: float, *, left: float, right: float = ASIDE, below: float = BELOW) -> tuple[Figure, Axes]:
    """A figure with a height in CSS pixels, and its axes, with the given margins in pixels."""
    made = Figure(figsize=(1, height / DPI), dpi=DPI, layout=Margins(left, right, below), facecolor="none")
    FigureCanvasSVG(made)
    return made, made.add_subplot(facecolor="none")


def svg(made: Figure, width: float) -> bytes:
    """The figure as SVG, with a width in CSS pixels."""
    made.set_figwidth(width / DPI)
    out = io.BytesIO()
    # Unlike `savefig`, this does not draw the figure an additional time for layout.
    cast("Any", made.canvas).print_svg(out, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue().decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->\n?|\n\s*", " ", re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL))
    text = _COLOUR.sub(lambda found: f"var(--{_COLOURS[found[0]]})", text)
    return re.sub(r">", f"><style>{_themes()}</style>", text, count=1).encode()


def label(text: str) -> str:
    """A name as shown in a plot: truncated, and without control characters."""
    return brief(plain(brief(text, _FAR), keep=""), _LONGEST)


def _themes() -> str:
    def root(colours: tuple[str, ...]) -> str:
        return ":root{" + "".join(f"--{name}:{colour};" for name, colour in zip(_NAMES, colours, strict=True)) + "}"

    return f"{root(_LIGHT)}@media(prefers-color-scheme:dark){{{root(_DARK)}}}"
