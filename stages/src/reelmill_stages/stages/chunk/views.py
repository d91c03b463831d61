"""The views of an item, and the range of frames that is common to them.

All views of a chunk have the same frame numbers, so views must be synchronous; others are rejected.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from statistics import median_low
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item, Media, Span
from reelmill.contract.text.quantities import count_of
from reelmill_stages.media.timeline import item_span
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.media_file import MediaFile

ONLY = "video"
"""Name of the view of an item with a single file."""

_MAX_DIFFERENCE = 0.02
"""Maximum difference of the durations of two views, as a fraction of their length."""


@dataclass(frozen=True, slots=True)
class View:
    """The frames of one view: `pts` in ticks of `time_base` seconds, and `end`, the tick at which the last frame ends.

    `first` is the number of its first frame in the file, which is not 0 for a virtual clip.
    """

    media: Media
    path: MediaFile
    first: int
    time_base: Fraction
    pts: array[int]
    end: int
    told: Mapping[str, Any] = field(default_factory=dict)
    """The words of `Timeline.special_properties` about the file."""

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def fps(self) -> float:
        """Frames per second, from the typical distance of two frames."""
        step = median_low([after - before for before, after in pairwise(self.pts[:1000])] or [self.end - self.pts[0]])
        return float(1 / (step * self.time_base))

    def ticks(self, frames: range) -> tuple[int, int]:
        """The time of a range of frames: [start, end) in ticks."""
        return self.pts[frames.start], self.pts[frames.stop] if frames.stop < len(self.pts) else self.end

    def in_file(self, frames: range) -> range:
        """The numbers of a range of frames in the file."""
        return range(self.first + frames.start, self.first + frames.stop)

    def seconds(self, frames: range) -> float:
        """The duration of a range of frames in seconds."""
        start, end = self.ticks(frames)
        return float((end - start) * self.time_base)


def media_of(item: Item, wanted: Sequence[str]) -> dict[str, Media]:
    """The file of each view. Raises ItemError with reason `no_media`, `no_view` or `bad_span`."""
    listed = item.fields.get("views")
    if isinstance(listed, Mapping) and listed:
        there = {str(name): Media.from_json(media) for name, media in listed.items()}
    elif item.media is not None:
        there = {ONLY: replace(item.media, span=item_span.span(item))}
    else:
        raise ItemError(ItemReason.NO_MEDIA, "the item has no file")
    if missing := [name for name in wanted if name not in there]:
        raise ItemError(ItemReason.NO_VIEW, f"the item has no view {', '.join(missing)}; it has {', '.join(there)}")
    return {name: there[name] for name in wanted or there}


def open_view(media: Media, path: MediaFile) -> View:
    """The frames of a view; with a span, those of its span. Raises like `read_timeline`."""
    timeline = read_timeline(path)
    frames = item_span.shown_in(timeline, media.span).frames
    if media.span:
        media = replace(media, span=Span(media.span.start, min(media.span.end, timeline.duration)))
    after = timeline.pts[frames.stop] if frames.stop < len(timeline) else timeline.end
    ticks = array("q", timeline.pts[frames.start : frames.stop])
    return View(media, path, frames.start, timeline.time_base, ticks, after, timeline.special_properties())


def common_range(item: Item, views: Mapping[str, View]) -> range:
    """The range of frame numbers to divide: the annotated one, or all frames.

    Raises ItemError with reason `outside` if the annotated range exceeds every view, `short_view` if a view has fewer
    frames than the others, and `out_of_step` if the durations of the range differ between views.
    """
    lengths = {name: len(view) for name, view in views.items()}
    longest = max(lengths.values())
    limits = item.fields.get("range")
    frames = range(int(limits[0]), int(limits[1])) if limits else range(longest)
    if frames.stop > longest or not frames:
        raise ItemError(
            ItemReason.OUTSIDE,
            f"the annotation refers to frames {frames.start} to {frames.stop}, but the video has {longest}",
        )
    if short := {name: length for name, length in lengths.items() if length < frames.stop}:
        lacking = ", ".join(f"{name} has {length}" for name, length in short.items())
        raise ItemError(ItemReason.SHORT_VIEW, f"{lacking} frames of the {frames.stop} that the other views have")
    _check_same_pace(frames, views)
    return frames


def _check_same_pace(frames: range, views: Mapping[str, View]) -> None:
    lasting = {name: view.seconds(frames) for name, view in views.items()}
    shortest, longest = min(lasting.values()), max(lasting.values())
    slack = max(1 / view.fps for view in views.values())
    if longest - shortest > slack + _MAX_DIFFERENCE * longest:
        each = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in lasting.items())
        raise ItemError(ItemReason.OUT_OF_STEP, f"{count_of(len(frames), 'frame')} have different durations: {each}")
