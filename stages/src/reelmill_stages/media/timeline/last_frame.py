"""When the last frame of a video ends, whose successor does not say it."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median_low

from av.video.stream import VideoStream

from reelmill_stages.media.timeline.packet_table import Row

HELD = Fraction(1, 10)
"""Seconds. A longer wait for the next frame is no matter of rounding to frames, but a picture that stands."""


def end_of_last(container: str, video: VideoStream, ticks: Sequence[int], rows: Sequence[Row], last: int) -> int:
    """When the last frame ends, which packet `last` holds: after its own duration.

    A movie tells the durations of packets in decode order; where its edit list ends elsewhere, that counts. Edit lists
    are often written in milliseconds, so less than half of a frame is no difference.
    """
    end = ticks[-1] + (rows[last].duration or usual_step(ticks))
    if "mov" in container and video.duration and video.time_base:
        edited = (video.start_time or 0) + min(video.duration, sum(row.duration for row in rows))
        least = min(Fraction(usual_step(ticks), 2), HELD / video.time_base)
        if ticks[-1] < edited and abs(end - edited) > least:
            return int(edited)
    return end


def usual_step(ticks: Sequence[int]) -> int:
    """Ticks between two frames, as a rule."""
    return median_low([after - before for before, after in pairwise(ticks)] or [1])
