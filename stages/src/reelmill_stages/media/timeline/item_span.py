"""The span of an item in its file."""

import math
from typing import TYPE_CHECKING

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item, Span

if TYPE_CHECKING:  # a page that shows items does not need the video libraries
    from reelmill_stages.media.timeline.timeline import Stretch, Timeline


def span(item: Item) -> Span | None:
    """Return the span of the file to use; None: all of it.

    Items of a source may have a span that is not cut yet (`start`, `end`); files of a stage are already cut. Raises
    ItemError with reason `bad_span`.
    """
    if item.media is None or item.media.span is not None or not item.media.source:
        return item.media.span if item.media else None
    start, end = item.fields.get("start"), item.fields.get("end")
    if start is None and end is None:
        return None
    try:
        stretch = Span(float(start or 0.0), math.inf if end is None else float(end))
    except (TypeError, ValueError):
        raise ItemError(ItemReason.BAD_SPAN, f"start {start!r} and end {end!r} are not times") from None
    if not 0 <= stretch.start < stretch.end:
        raise ItemError(
            ItemReason.BAD_SPAN, f"start {stretch.start:g} s and end {stretch.end:g} s are not a span of time"
        )
    return stretch


def known_span(item: Item) -> Span | None:
    """Return the span with both ends, to show the item on a page or in a list; None if missing or invalid."""
    try:
        found = span(item)
    except ItemError:
        return None
    return found if found and math.isfinite(found.end) else None


def uncut(item: Item, remedy: str) -> ItemError | None:
    """Return the error for an item that is part of its file (`virtual_clip`), for stages that need whole files.

    Returns None for other items. Raises the errors of `span`.
    """
    found = span(item)
    if found is None:
        return None
    return ItemError(
        ItemReason.VIRTUAL_CLIP,
        f"{item.key} is a span of a longer video ({found.start:g} s to {found.end:g} s) and has no file of its own: "
        f"{remedy}",
    )


def shown_in(timeline: "Timeline", span: Span | None) -> "Stretch":
    """Return the frames of a span, or of the whole video.

    Raises ItemError with reason `zero_duration` if there are none.
    """
    if span is None:
        return timeline.whole
    shown = timeline.stretch(span.start, span.end)
    if not shown.frames:
        raise ItemError(
            ItemReason.ZERO_DURATION,
            f"no frame lies between {span.start:g} s and {span.end:g} s of a video of {timeline.duration:.3f} s",
        )
    return shown
