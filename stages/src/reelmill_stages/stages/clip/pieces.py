"""Determines the clips of an item: its own span, equal lengths, scenes, or parts between key frames."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item, Span
from reelmill.contract.spec.field_types import seconds
from reelmill.contract.spec.stages.clip import ClipBlock
from reelmill_stages.media.timeline import item_span
from reelmill_stages.media.timeline.timeline import Timeline
from reelmill_stages.stage import Filtered
from reelmill_stages.stages.clip.key_spans import key_spans
from reelmill_stages.stages.clip.names import clip_name, piece_key, piece_names
from reelmill_stages.stages.clip.spans import (
    RequestedSpan,
    divided,
    equal_spans,
    is_longer,
    is_shorter,
    wanted_span,
    without_margin,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A clip to be cut. `overhang` is the time in seconds by which its span exceeded the end of the video."""

    key: str
    name: str
    span: Span
    overhang: float = 0.0


@dataclass(frozen=True, slots=True)
class Pieces:
    """The clips of one item, in order; `short` is the number of pieces omitted because they are too short."""

    pieces: tuple[Piece, ...]
    short: int = 0


FindScenes = Callable[[range], list[range]]
"""The scenes among the frames of a video with these indices."""


def pieces_of(item: Item, timeline: Timeline, block: ClipBlock, find: FindScenes) -> Pieces | Filtered:
    """The clips of an item; `find` is called with `by: scenes`.

    Raises ItemError for an invalid span, and what `find` raises.
    """
    shortest = seconds(block.min_length)
    longest = seconds(block.max_length) if block.max_length else None
    if block.by == "metadata":
        return _piece_of_item(item, timeline, shortest, longest)
    whole = _span_to_divide(item, timeline)
    if block.by == "length":
        spans = equal_spans(whole, seconds(block.length))
    else:
        if block.by == "keyframes":
            find = partial(key_spans, timeline, shortest=shortest if block.short_scenes == "merge" else 0.0)
        scenes = [without_margin(scene, seconds(block.margin)) for scene in _scene_spans(timeline, whole, find)]
        spans = [part for scene in scenes for part in divided(scene, longest)]
    kept = [span for span in spans if not is_shorter(span, shortest) and timeline.window(span.start, span.end)]
    if not kept:
        return Filtered(ItemReason.TOO_SHORT, f"none of {len(spans)} pieces has {shortest:g} s")
    names = piece_names(item, kept)
    made = (Piece(piece_key(item, span), name, span) for span, name in zip(kept, names, strict=True))
    return Pieces(tuple(made), len(spans) - len(kept))


def _piece_of_item(item: Item, timeline: Timeline, shortest: float, longest: float | None) -> Pieces | Filtered:
    wanted: RequestedSpan = wanted_span(item.fields, timeline.duration)
    span = wanted.span
    length = f"{span.end - span.start:.3f} s"
    if is_shorter(span, shortest):
        return Filtered(ItemReason.TOO_SHORT, f"{length}, under {shortest:g} s")
    if longest is not None and is_longer(span, longest):
        return Filtered(ItemReason.TOO_LONG, f"{length}, over {longest:g} s")
    return Pieces((Piece(item.key, clip_name(item, span), span, wanted.overhang),))


def _span_to_divide(item: Item, timeline: Timeline) -> Span:
    """The span to divide: the whole video, or a span of it that is not cut."""
    given = item_span.span(item)
    if given is None:
        return Span(0.0, timeline.duration)
    if not timeline.window(given.start, given.end):
        raise ItemError(
            ItemReason.SPAN_OUTSIDE, f"{given.start:g} s to {given.end:g} s of a video of {timeline.duration:.3f} s"
        )
    return Span(given.start, min(given.end, timeline.duration))


def _scene_spans(timeline: Timeline, whole: Span, find: FindScenes) -> list[Span]:
    """Return what is found as spans; the first and the last one extend to the ends of the span."""
    frames = timeline.window(whole.start, whole.end)
    return [
        Span(
            whole.start if scene.start == frames.start else timeline.seconds(scene.start),
            whole.end if scene.stop == frames.stop else timeline.seconds(scene.stop),
        )
        for scene in find(frames)
    ]
