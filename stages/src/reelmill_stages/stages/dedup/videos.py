"""The file of an item, and the sampled frames of it."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item, Media, Span
from reelmill_stages.media.timeline.timeline import Timeline


def media_of(item: Item) -> Media:
    """Return the file of an item. Raises ItemError with reason `no_media`."""
    if item.media is None:
        raise ItemError(ItemReason.NO_MEDIA, "the item has no file")
    return item.media


@dataclass(frozen=True, slots=True)
class Sampled:
    """Frames of an item: `indices` into the timeline, and the wanted time of each in seconds from its beginning."""

    indices: tuple[int, ...]
    seconds: tuple[float, ...]


def window(timeline: Timeline, span: Span | None) -> range:
    """Return the frames of an item. Raises ItemError with reason `zero_duration` if there are none."""
    frames = timeline.whole.frames if span is None else timeline.stretch(span.start, span.end).frames
    if not frames:
        where = "" if span is None else f" between {span.start:g} s and {span.end:g} s"
        raise ItemError(ItemReason.ZERO_DURATION, f"no frame lies{where} in a video of {timeline.duration:.3f} s")
    return frames


def sampled(timeline: Timeline, span: Span | None, fps: float) -> Sampled:
    """Return the frames at the middle of each 1/fps of an item, so that fades at the ends count least."""
    frames = window(timeline, span)
    times = [timeline.seconds(index) for index in frames]
    begin = times[0]
    end = timeline.seconds(frames.stop) if frames.stop < len(timeline) else timeline.duration
    moments = [(number + 0.5) / fps for number in range(max(1, int((end - begin) * fps + 0.5)))]
    shown = [max(0, bisect_right(times, begin + min(moment, end - begin) + 1e-9) - 1) for moment in moments]
    return Sampled(tuple(frames[place] for place in shown), tuple(moments))


def clock(seconds: Sequence[float]) -> str:
    """Return the range from the first to the last of ascending times, for messages."""
    return f"{seconds[0]:.1f}-{seconds[-1]:.1f} s"
