"""A drawing as an SVG image that follows the colours of the reader's device, light or dark.

Coordinates are CSS pixels from the top left corner. An image has a style of its own, so nothing in it meets the page.
Equal drawings give equal bytes.
"""

from collections.abc import Iterable
from unicodedata import east_asian_width

from markupsafe import escape

from reelmill_stages.run_report.words import brief, plain

SMALL, NORMAL = 9.0, 10.0
"""Sizes of fonts."""
INK, MUTED, GRID = "ink", "muted", "grid"
KEPT, FILTERED, FAILED, SKIPPED, OTHER = "kept", "filtered", "failed", "skipped", "other"

_COLOURS = (INK, MUTED, GRID, KEPT, FILTERED, FAILED, SKIPPED, OTHER)
_LIGHT = ("#1f2328", "#59636e", "#d1d9e0", "#1a7f72", "#d08700", "#c4384a", "#8c959f", "#3b6fd4")
_DARK = ("#f0f6fc", "#9198a1", "#3d444d", "#3fb8a6", "#e3a83b", "#f2727f", "#7d8590", "#7aa2f7")
_LONGEST = 26
_FAR = 1000
_NARROW = frozenset("fijlrtI.,:;'|()[] ")
_LETTER, _NARROW_LETTER, _WIDE_LETTER = 0.62, 0.36, 1.0
"""Widths of characters in terms of the font's size: those of wide fonts, because the reader's is not known."""


class Canvas:
    """An image that is drawn part by part; later parts cover earlier ones."""

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height
        self._parts: list[str] = []

    def rectangle(self, x: float, y: float, width: float, height: float, colour: str, *, opacity: float = 1.0) -> None:
        """A filled rectangle."""
        if width > 0 and height > 0:
            place = f'x="{_px(x)}" y="{_px(y)}" width="{_px(width)}" height="{_px(height)}"'
            self._parts.append(f'<rect class="{colour}"{_faint(opacity)} {place}/>')

    def area(self, points: Iterable[tuple[float, float]], colour: str, *, opacity: float = 1.0) -> None:
        """A filled polygon."""
        self._parts.append(f'<path class="{colour}"{_faint(opacity)} d="{_way(points)}z"/>')

    def line(self, points: Iterable[tuple[float, float]], colour: str, *, width: float = 0.6) -> None:
        """A line through points."""
        self._parts.append(f'<path class="line {colour}" stroke-width="{width:g}" d="{_way(points)}"/>')

    def text(
        self, x: float, y: float, text: str, colour: str, *, size: float = SMALL, anchor: str = "start", turn: int = 0
    ) -> None:
        """Text whose middle has the height `y`; `anchor`, as in SVG, is what of it is at `x`; `turn`: in degrees."""
        turned = f' transform="rotate({turn} {_px(x)} {_px(y)})"' if turn else ""
        place = f'x="{_px(x)}" y="{_px(y)}" dy=".35em" font-size="{size:g}" text-anchor="{anchor}"{turned}'
        self._parts.append(f'<text class="{colour}" {place}>{escape(text)}</text>')

    def svg(self) -> bytes:
        """The image."""
        size = (
            f'width="{_px(self.width)}" height="{_px(self.height)}" viewBox="0 0 {_px(self.width)} {_px(self.height)}"'
        )
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{_STYLE}</style>'
        return f"{head}{''.join(self._parts)}</svg>".encode()


def label(text: str) -> str:
    """A name as it is shown in a plot: of a bounded length, and without control characters."""
    return brief(plain(brief(text, _FAR), keep=""), _LONGEST)


def text_width(text: str, size: float = SMALL) -> float:
    """About the width of a text, rather too much than too little."""
    return size * sum(
        _WIDE_LETTER if east_asian_width(each) in "WF" else _NARROW_LETTER if each in _NARROW else _LETTER
        for each in text
    )


def _px(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _faint(opacity: float) -> str:
    return "" if opacity == 1.0 else f' opacity="{opacity:g}"'


def _way(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_px(x)} {_px(y)}" for x, y in points)


def _root(colours: tuple[str, ...]) -> str:
    return ":root{" + "".join(f"--{name}:{colour};" for name, colour in zip(_COLOURS, colours, strict=True)) + "}"


_STYLE = (
    f"{_root(_LIGHT)}@media(prefers-color-scheme:dark){{{_root(_DARK)}}}"
    + "".join(f".{name}{{fill:var(--{name})}}.line.{name}{{fill:none;stroke:var(--{name})}}" for name in _COLOURS)
    + "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif}"
)
