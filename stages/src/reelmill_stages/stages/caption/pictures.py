"""The parts of a request that show a video: frames as JPEG, or the file itself, as data URLs."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.caption import CaptionBlock
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.jpeg import jpeg
from reelmill_stages.media.decoding.picture import Turned, render, shown_size
from reelmill_stages.media.timeline import item_span
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.stage import Work
from reelmill_stages.store.web.urls import file_path

_TYPES = {
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "mkv": "video/x-matroska",
}


def parts(item: Item, work: Work, block: CaptionBlock) -> list[dict[str, Any]]:
    """Return the parts of a chat message that show the video. Raises ItemError."""
    media = item.media
    if media is None:
        raise ItemError(ItemReason.NO_MEDIA, "the item has no file")
    if block.send == "frames":
        part = replace(media, span=item_span.span(item))
        return [_content_part("image_url", "image/jpeg", data) for data in frames(part, work, block)]
    return [_content_part("video_url", *_media_file(item, media, work, block))]


def frames(media: Media, work: Work, block: CaptionBlock) -> Iterator[bytes]:
    """Yield JPEG files of the frames at the centres of equal parts. Raises ItemError, also for errors of decoding."""
    path = work.open(media)
    timeline = read_timeline(path)
    window = item_span.shown_in(timeline, media.span).frames
    turned = Turned(timeline.shape)
    for picture in decode(path, timeline, [window[index] for index in middles(len(window), block.frames)]):
        upright = turned.of(picture.frame)
        size = fitted(*shown_size(picture.frame, upright), block.max_side)
        yield jpeg(render(picture.frame, width=size[0], height=size[1], turned=upright), block.jpeg_quality)


def middles(frames: int, count: int) -> list[int]:
    """Indexes at the centres of `count` equal parts of `frames` frames, without duplicates."""
    return sorted({(2 * number + 1) * frames // (2 * count) for number in range(count)})


def fitted(width: int, height: int, side: int) -> tuple[int, int]:
    """The size, scaled down to at most `side` pixels for the longer side."""
    longer = max(width, height)
    if longer <= side:
        return width, height
    return max(1, round(width * side / longer)), max(1, round(height * side / longer))


def _media_file(item: Item, media: Media, work: Work, block: CaptionBlock) -> tuple[str, bytes]:
    if wrong := item_span.uncut(item, "send frames"):
        raise wrong
    if media.size > block.max_video_bytes:
        raise ItemError(
            ItemReason.TOO_LARGE, f"the file has {media.size} bytes, and at most {block.max_video_bytes} are sent"
        )
    ending = file_path(media.uri).rpartition(".")[2].lower()
    return _TYPES.get(ending, "video/mp4"), work.fetch(media).read_bytes()


def _content_part(kind: str, type_: str, data: bytes) -> dict[str, Any]:
    return {"type": kind, kind: {"url": f"data:{type_};base64,{base64.b64encode(data).decode()}"}}
