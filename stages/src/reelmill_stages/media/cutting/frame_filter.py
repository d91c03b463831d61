"""ffmpeg filters that keep exactly the frames of a cut, each at its time, and durations of still frames."""

from collections.abc import Sequence
from itertools import pairwise

from reelmill_stages.media.cutting.cut import Cut
from reelmill_stages.media.timeline.last_frame import HELD
from reelmill_stages.media.timeline.timeline import Timeline

_TERMS = 40
"""Maximum number of intervals of constant rate in an expression; ffmpeg limits the nesting."""


def is_counted(timeline: Timeline) -> bool:
    """Whether frames are identified by number, because ffmpeg's times for them may be wrong."""
    return timeline.counted or timeline.untimed


def trim(timeline: Timeline, cut: Cut, before: int = 0) -> str:
    """Return the filter that keeps the frames of a cut and shifts the first to 0.

    If frames are counted, `before` is the number of frames that ffmpeg outputs before the first of the timeline.
    """
    frames, first = cut.frames, timeline.pts[cut.frames.start]
    since = "PTS-STARTPTS" if is_counted(timeline) else f"PTS-({cut.start})"
    if first < cut.start:
        # A frame that was already on screen starts with the clip.
        since = rf"max(0\,{since}{f'-{cut.start - first}' if timeline.untimed else ''})"
    if is_counted(timeline):
        base = cut.time_base
        ticks = [max(0, tick - cut.start) for tick in timeline.pts[frames.start : frames.stop]]
        if times := _tick_expression(ticks):
            # Rounded, because ffmpeg computes with floats and would truncate 2.9999 to 2.
            since = f"round(({times})*{base.numerator}/{base.denominator}/TB)"
    kept = f"start_pts={first}:end_pts={cut.end}"
    if is_counted(timeline):
        kept = f"start_frame={before + frames.start}:end_frame={before + frames.stop}"
    return f"trim={kept},setpts={since}"


def _tick_expression(ticks: Sequence[int]) -> str:
    """Return an expression for the tick of frame N, one term per interval of constant rate; empty if too many.

    ffmpeg's times for such a stream may be wrong or missing.
    """
    terms: list[tuple[int, int]] = []
    for place, (tick, after) in enumerate(pairwise(ticks)):
        if not terms or after - tick != terms[-1][1]:
            terms.append((place, after - tick))
    if len(terms) > _TERMS:
        return ""
    written = ""
    for number, (place, step) in reversed(list(enumerate(terms or [(0, 1)]))):
        term = f"{ticks[place]}+(N-{place})*{step}"
        # The frame where two intervals meet has the same time in both.
        written = rf"if(lt(N\,{terms[number + 1][0]})\,{term}\,{written})" if written else term
    return written


def held_end(timeline: Timeline, cut: Cut) -> int:
    """Return the ticks from the last frame to the end of the clip; 0 if it is shown no longer than its neighbours."""
    shown = cut.end - max(timeline.pts[cut.frames.stop - 1], cut.start)
    return shown if shown * cut.time_base > HELD else 0


def has_long_frame(timeline: Timeline, cut: Cut) -> bool:
    """Whether any frame is shown for long."""
    times = [cut.start, *timeline.pts[cut.frames.start + 1 : cut.frames.stop], cut.end]
    return any((after - before) * cut.time_base > HELD for before, after in pairwise(times))
