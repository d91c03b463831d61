"""Sheet of examples: frames of items just outside and just inside a limit, with their values."""

from collections.abc import Sequence
from dataclasses import dataclass

from reelmill_stages.pictures.drawing import FILTERED, GREY, INK, KEPT, PALE, Drawing

_MARGIN, _GAP, _HEAD, _ROW_HEAD, _CAPTION = 20, 12, 46, 26, 38
_LONGEST = 30


@dataclass(frozen=True, slots=True)
class Cell:
    """One example: its frame as JPEG with a size in pixels (empty: none), the text below it, and its value."""

    jpeg: bytes
    width: int
    height: int
    key: str
    value: str
    problem: str = ""


def draw(title: str, dropped: Sequence[Cell], kept: Sequence[Cell], *, width: int, height: int) -> Drawing:
    """Draw the sheet; `width` and `height` are the maximum size of a frame in pixels."""
    columns = max(len(dropped), len(kept), 3)
    band = _ROW_HEAD + height + _CAPTION + _GAP
    drawing = Drawing(2 * _MARGIN + columns * (width + _GAP) - _GAP, _HEAD + 2 * band)
    drawing.text(_MARGIN, 30, title, 16)
    for place, (word, colour, cells) in enumerate((("just dropped", FILTERED, dropped), ("just kept", KEPT, kept))):
        top = _HEAD + place * band
        drawing.rectangle(_MARGIN, top, 10, 10, colour)
        drawing.text(_MARGIN + 16, top + 10, word if cells else f"{word}: none", 12, INK)
        for column, cell in enumerate(cells):
            _draw_cell(drawing, cell, _MARGIN + column * (width + _GAP), top + _ROW_HEAD, width, height)
    return drawing


def _draw_cell(drawing: Drawing, cell: Cell, x: int, y: int, width: int, height: int) -> None:
    drawing.rectangle(x, y, width, height, PALE)
    if cell.jpeg:
        drawing.photo(
            x + (width - cell.width) // 2, y + (height - cell.height) // 2, cell.width, cell.height, cell.jpeg
        )
    else:
        drawing.text(x + 8, y + height / 2, _shortened(cell.problem), 10, GREY)
    drawing.text(x, y + height + 15, cell.value, 12, INK)
    drawing.text(x, y + height + 30, _shortened(cell.key), 10, GREY)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"…{text[1 - _LONGEST :]}"
