"""The end of the last frame of a video, which no next frame defines."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median_low

from av.video.stream import VideoStream

from reelmill_stages.media.timeline.packet_table import Row

HELD = Fraction(1, 10)
"""Seconds; a longer wait for the next frame is not rounding but a still frame."""


def end_of_last(container: str, video: VideoStream, ticks: Sequence[int], rows: Sequence[Row], last: int) -> int:
    """Return when the last frame, in packet `last`, ends: after its own duration.

    A movie has packet durations in decode order. If its edit list ends elsewhere, the edit list counts. Edit lists are
    often written in milliseconds, so differences below half a frame are ignored.
    """
    end = ticks[-1] + (rows[last].duration or usual_step(ticks))
    if "mov" in container and video.duration and video.time_base:
        edited = (video.start_time or 0) + min(video.duration, sum(row.duration for row in rows))
        least = min(Fraction(usual_step(ticks), 2), HELD / video.time_base)
        if ticks[-1] < edited and abs(end - edited) > least:
            return int(edited)
    return end


def usual_step(ticks: Sequence[int]) -> int:
    """Return the usual number of ticks between two frames."""
    return median_low([after - before for before, after in pairwise(ticks)] or [1])
