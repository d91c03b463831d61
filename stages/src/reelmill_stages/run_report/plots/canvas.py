"""A matplotlib figure as an SVG image that follows the colours of the reader's device, light or dark.

Figures are drawn in the colours below, which are no colours of a page; in the SVG they become variables. An image has
its own style and ids, so nothing in it meets the page, and equal figures give equal bytes.
"""

import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from reelmill_stages.run_report.words import brief, plain

DPI = 72
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
    """Figures are made and rendered inside this block."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    with mpl.rc_context(cast("Any", _STYLE)), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that its own font does not have; the reader's fonts do
        yield


def figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of a size in CSS pixels, with its axes."""
    layout = ConstrainedLayoutEngine(w_pad=2 / DPI, h_pad=2 / DPI)
    made = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, layout=layout, facecolor="none")
    FigureCanvasSVG(made)
    return made, made.add_subplot(facecolor="none")


def svg(made: Figure) -> bytes:
    """The figure as SVG."""
    out = io.BytesIO()
    # Unlike `savefig`, this does not draw the figure once more before, to lay it out.
    cast("Any", made.canvas).print_svg(out, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue().decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->\n?|\n\s*", " ", re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL))
    text = _COLOUR.sub(lambda found: f"var(--{_COLOURS[found[0]]})", text)
    return re.sub(r">", f"><style>{_themes()}</style>", text, count=1).encode()


def label(text: str) -> str:
    """A name as it is shown in a plot: of a bounded length, and without control characters."""
    return brief(plain(brief(text, _FAR), keep=""), _LONGEST)


def _themes() -> str:
    def root(colours: tuple[str, ...]) -> str:
        return ":root{" + "".join(f"--{name}:{colour};" for name, colour in zip(_NAMES, colours, strict=True)) + "}"

    return f"{root(_LIGHT)}@media(prefers-color-scheme:dark){{{root(_DARK)}}}"
