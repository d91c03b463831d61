"""Division of frames at key frames: each part can be decoded without packets from before it. Pure."""

from itertools import pairwise

from reelmill_stages.media.timeline.timeline import Timeline

_TINY = 1e-6
"""Tolerance of comparisons in seconds."""


def key_spans(timeline: Timeline, frames: range, shortest: float) -> list[range]:
    """Divide frames at key frames, except where the part before would be shorter than `shortest` seconds.

    A part begins with the first frame that is decoded from another key packet than the frame before it, according to
    the bitstream; of pictures that a full decode counted, the decoder reports the key frames. The last part may be
    shorter.
    """
    cuts = [frames.start]
    for index in frames[1:]:
        long_enough = timeline.seconds(index) - timeline.seconds(cuts[-1]) >= shortest - _TINY
        if long_enough and _begins_group(timeline, index):
            cuts.append(index)
    return [range(start, stop) for start, stop in pairwise([*cuts, frames.stop])]


def _begins_group(timeline: Timeline, index: int) -> bool:
    if timeline.counted:
        return timeline.keys[index]
    before, own = (timeline.packets.starts[number] for number in timeline.numbers[index - 1 : index + 1])
    return own != before
