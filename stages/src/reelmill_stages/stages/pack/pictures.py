"""Writes frames of a clip as JPEG parts, decoding each frame once."""

import math
from collections.abc import Sequence
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.text.quantities import count_of
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.jpeg import jpeg
from reelmill_stages.media.decoding.picture import Turned, render, shown_size
from reelmill_stages.media.timeline import item_span
from reelmill_stages.stage import File
from reelmill_stages.stages.pack.sample import PackInput
from reelmill_stages.tar.payload_copies import link_or_copy


def pictures(clip: PackInput, wanted: Sequence[int], *, quality: int, max_side: int | None) -> tuple[File, ...]:
    """Parts `0.jpg`, `1.jpg`, … with the frames at these indices of the timeline, in the given order.

    A repeated index gives several parts. Raises ItemError if a frame cannot be decoded.
    """
    first = {index: place for place, index in reversed(list(enumerate(wanted)))}
    turned = Turned(clip.timeline.shape)
    for picture in decode(clip.file, clip.timeline, sorted(first)):
        upright = turned.of(picture.frame)
        width, height = reduced(*shown_size(picture.frame, upright), max_side)
        array = render(picture.frame, width=width, height=height, turned=upright)
        (clip.scratch / f"{first.pop(picture.index)}.jpg").write_bytes(jpeg(array, quality))
    if first:
        raise ItemError(
            ItemReason.CORRUPT, f"{count_of(len(first), 'frame')} could not be decoded, the first of them {min(first)}"
        )
    place_of: dict[int, int] = {}
    for place, index in enumerate(wanted):
        if place_of.setdefault(index, place) != place:
            link_or_copy(clip.scratch / f"{place_of[index]}.jpg", clip.scratch / f"{place}.jpg")
    return tuple(File(f"{place}.jpg", clip.scratch / f"{place}.jpg") for place in range(len(wanted)))


def reduced(width: int, height: int, max_side: int | None) -> tuple[int, int]:
    """(width, height) in pixels after reducing the longer side to `max_side`, with the aspect ratio; at least 1."""
    longest = max(width, height)
    if max_side is None or longest <= max_side:
        return width, height
    return max(1, round(width * max_side / longest)), max(1, round(height * max_side / longest))


def info(clip: PackInput) -> dict[str, Any]:
    """The input unit, as repeated in the json of the packing pipeline."""
    media = clip.item.media
    unit: dict[str, Any] = {"video_path": media.uri if media else "", "value": clip.text}
    if span := item_span.span(clip.item):
        unit |= {name: at for name, at in (("start", span.start), ("end", span.end)) if math.isfinite(at)}
    return unit
