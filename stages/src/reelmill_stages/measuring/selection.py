"""Selection of a clip's frames to measure: the block's `frames` and `modelFrames`, as indices into the timeline."""

from collections import Counter

from reelmill.contract.spec.stages.measure import FrameChoice
from reelmill_stages.media.timeline.selection import middles, per_second
from reelmill_stages.media.timeline.timeline import Stretch, Timeline


def chosen(choice: FrameChoice, timeline: Timeline, shown: Stretch) -> Counter[int]:
    """Return the chosen frames of a clip with at least one frame, in order, with how often each is chosen.

    With `fps`, a frame that is shown for long is chosen more than once.
    """
    frames = shown.frames
    if choice.all:
        return Counter(frames)
    if choice.fps is None:
        return Counter(frames[place] for place in middles(len(frames), choice.count or 1))
    begin, end = map(timeline.seconds_at, (shown.start, shown.end))
    seconds = [max(begin, timeline.seconds(index)) for index in frames]
    return Counter(frames[place] for place in per_second(seconds, end, choice.fps))
