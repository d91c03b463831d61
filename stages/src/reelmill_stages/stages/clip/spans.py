"""Validation and division of spans, in seconds on the presentation timeline. Pure."""

import math
from dataclasses import dataclass
from math import ceil

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Fields, Span

SLACK = 1.0
"""Maximum time in seconds by which a span may exceed its video, because captions use rounded durations."""

_TINY = 1e-6
"""Tolerance of comparisons in seconds."""


@dataclass(frozen=True, slots=True)
class RequestedSpan:
    """A span within its video; `overhang` is the time in seconds that was cut off at the end."""

    span: Span
    overhang: float = 0.0


def wanted_span(fields: Fields, duration: float) -> RequestedSpan:
    """The span of an item's `start` and `end` in a video with this duration in seconds.

    Raises ItemError with reason `bad_span` (null, not a finite number, negative, empty, reversed) or `span_outside`.
    """
    start, end = _number_field(fields, "start"), _number_field(fields, "end")
    if start < 0:
        raise ItemError(ItemReason.BAD_SPAN, f"start is {start:g} s: it must not be negative")
    if end <= start:
        what = "has no length" if end == start else "is reversed"
        raise ItemError(ItemReason.BAD_SPAN, f"the span {start:g} s to {end:g} s {what}")
    if start >= duration - _TINY or end > duration + SLACK:
        raise ItemError(
            ItemReason.SPAN_OUTSIDE, f"the span {start:g} s to {end:g} s exceeds the video, which has {duration:.3f} s"
        )
    overhang = end - duration
    return RequestedSpan(Span(start, duration), overhang) if overhang > _TINY else RequestedSpan(Span(start, end))


def equal_spans(whole: Span, length: float) -> list[Span]:
    """Divide a span into pieces of this length; the last one may be shorter."""
    count = max(1, ceil((whole.end - whole.start - _TINY) / length))
    return [
        Span(whole.start + number * length, min(whole.end, whole.start + (number + 1) * length))
        for number in range(count)
    ]


def divided(span: Span, longest: float | None) -> list[Span]:
    """Divide a span into the smallest number of equal pieces of at most `longest` seconds."""
    length = span.end - span.start
    if longest is None or length <= longest + _TINY:
        return [span]
    count = ceil((length - _TINY) / longest)
    edges = [span.start + length * number / count for number in range(count)] + [span.end]
    return [Span(edges[number], edges[number + 1]) for number in range(count)]


def without_margin(span: Span, margin: float) -> Span:
    """Return a span without `margin` seconds at both ends; if nothing remains, its middle with a length of 0."""
    if span.end - span.start <= 2 * margin:
        middle = (span.start + span.end) / 2
        return Span(middle, middle) if margin else span
    return Span(span.start + margin, span.end - margin)


def is_shorter(span: Span, limit: float) -> bool:
    """Whether a span is shorter than a limit, except for rounding."""
    return span.end - span.start < limit - _TINY


def is_longer(span: Span, limit: float | None) -> bool:
    """Whether a span is longer than a limit, except for rounding."""
    return limit is not None and span.end - span.start > limit + _TINY


def _number_field(fields: Fields, name: str) -> float:
    value = fields.get(name)
    if value is None:
        hint = "is null" if name in fields else "is missing"
        raise ItemError(ItemReason.BAD_SPAN, f"{name} {hint}: cutting by metadata needs start and end in seconds")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ItemError(ItemReason.BAD_SPAN, f"{name} is {value!r}, not a number of seconds")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ItemError(ItemReason.BAD_SPAN, f"{name} is {value!r}, not a number of seconds") from None
    if not math.isfinite(number):
        raise ItemError(ItemReason.BAD_SPAN, f"{name} is {value!r}: it must be finite")
    return number
