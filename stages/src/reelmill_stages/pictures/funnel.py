"""Chart of a pipeline's funnel: one bar per source and stage, with a length relative to the largest number of items."""

from collections.abc import Sequence

from reelmill.contract.commands.funnel import FunnelRow
from reelmill.contract.text.quantities import amount, count_of, size, time
from reelmill_stages.pictures.drawing import FAILED, FILTERED, GREY, INK, KEPT, PALE, SKIPPED, Drawing

_COLOURS = {"filtered": FILTERED, "failed": FAILED, "skipped": SKIPPED}
_NAMES, _BAR, _FACTS, _MARGIN = 170, 460, 430, 24
_ROW, _HEAD, _BAR_HEIGHT = 62, 56, 22
_REASONS = 4


def draw(rows: Sequence[FunnelRow], title: str) -> Drawing:
    """Draw the funnel. Kept inputs are green, filtered ones yellow, failed ones red, and skipped ones grey."""
    drawing = Drawing(_NAMES + _BAR + _FACTS + 2 * _MARGIN, _HEAD + _ROW * len(rows) + 34)
    drawing.text(_MARGIN, 32, title, 18)
    most = max([row.items_in for row in rows], default=0) or 1
    for place, row in enumerate(rows):
        _draw_row(drawing, row, _HEAD + place * _ROW, most)
    x: float = _MARGIN + _NAMES
    for word, colour in (("kept", KEPT), *_COLOURS.items()):
        drawing.rectangle(x, drawing.height - 26, 10, 10, colour)
        drawing.text(x + 15, drawing.height - 16, word, 11, GREY)
        x += 80
    return drawing


def _draw_row(drawing: Drawing, row: FunnelRow, y: float, most: int) -> None:
    drawing.text(_MARGIN, y + 16, _shortened(row.name, 20), 14)
    drawing.text(_MARGIN, y + 33, row.type, 11, GREY)
    x: float = _MARGIN + _NAMES
    drawing.rectangle(x, y, _BAR, _BAR_HEIGHT, PALE)
    parts = [(row.items_kept, KEPT)]
    for outcome, colour in _COLOURS.items():
        parts.append((sum(loss.items for loss in row.lost if loss.outcome == outcome), colour))
    for items, colour in parts:
        width = _BAR * items / most
        drawing.rectangle(x, y, max(width, 1.0) if items else 0, _BAR_HEIGHT, colour)
        x += max(width, 1.0) if items else 0
    reasons = [f"{loss.reason or loss.outcome} {amount(loss.items)}" for loss in row.lost[:_REASONS]]
    more = sum(loss.items for loss in row.lost[_REASONS:])
    drawing.text(
        _MARGIN + _NAMES,
        y + 38,
        _shortened(", ".join([*reasons, *([f"others {amount(more)}"] if more else [])]), 72),
        11,
        GREY,
    )
    left = _MARGIN + _NAMES + _BAR + 18
    drawing.text(left, y + 12, f"in {_quantities(row.items_in, row.seconds_in, row.bytes_in)}", 12, INK)
    drawing.text(left, y + 28, f"out {_quantities(row.items_out, row.seconds_out, row.bytes_out)}", 12, INK)
    if row.kind == "stage":
        work_summary = f"{time(row.worker_seconds)} of worker time, {size(row.written)} written"
        drawing.text(left, y + 43, work_summary, 11, GREY)


def _quantities(items: int, seconds: float | None, bytes_: int | None) -> str:
    parts = [count_of(items, "item")]
    parts += [f"{time(seconds)} of video"] if seconds is not None else []
    parts += [size(bytes_)] if bytes_ is not None else []
    return ", ".join(parts)


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
