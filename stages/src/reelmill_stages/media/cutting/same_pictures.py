"""Verification that a copied clip shows the source's pictures, by decoding and comparing samples.

A copy has the packets of its source, so pictures can only differ if decoding begins at a wrong packet, or if the new
container lacks data that a decoder needs. The first and last groups of pictures reveal both. They are decoded within a
budget of pixels, and compared for the first clip of a source. If the source's container marks wrong key frames, all
pictures of all clips are compared with a decode of the source from its start.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import av

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.cutting.cut import Cut
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.timeline.timeline import Timeline
from reelmill_stages.media_file import MediaFile

_BUDGET = 3_000_000
"""Pixels to decode per clip; small enough to keep copying a hundred times as fast as encoding."""


def verify_pictures(
    source: MediaFile, timeline: Timeline, cut: Cut, clip: Path, written: Timeline, *, pixels: int, compare: bool
) -> None:
    """Decode pictures of a clip, of `pixels` pixels each; with `compare`, compare them with the source's.

    Raises ItemError(`unverified`) if they differ, and the errors of `decode` for a damaged source.
    """
    wanted = (
        list(cut.frames) if timeline.repaired else _frames_to_compare(timeline, cut, max(2, _BUDGET // max(1, pixels)))
    )
    shown = _decoded_frames(clip, written, [index - cut.frames.start for index in wanted])
    if not compare:
        deque(shown, maxlen=0)
        return
    for theirs, ours in zip(decode(source, timeline, wanted, whole=timeline.repaired), shown, strict=True):
        if not _are_equal(theirs.frame, ours):
            raise ItemError(
                ItemReason.UNVERIFIED,
                f"frame {theirs.index - cut.frames.start} of the clip is not the source's {theirs.index}",
            )


def _frames_to_compare(timeline: Timeline, cut: Cut, packets: int) -> list[int]:
    """Return frames of the first and the last group, within half of `packets` packets each."""
    starts = timeline.packets.starts
    near = []
    for index in cut.frames:
        number = timeline.numbers[index]
        start = starts[number]
        if start is not None and number - start < packets // 2:
            near.append((index, start))
    ends = {near[0][1], near[-1][1]} if near else set()
    return [index for index, start in near if start in ends]


def _decoded_frames(clip: Path, written: Timeline, indices: Sequence[int]) -> Iterator[av.VideoFrame]:
    try:
        for picture in decode(clip, written, indices):
            yield picture.frame
    except ItemError as error:
        raise ItemError(ItemReason.UNVERIFIED, f"the clip does not decode: {error.what}") from error


def _are_equal(one: av.VideoFrame, other: av.VideoFrame) -> bool:
    if (one.width, one.height, one.format.name) != (other.width, other.height, other.format.name):
        return False
    depth = 2 if one.format.components[0].bits > 8 else 1
    for ours, theirs in zip(one.planes, other.planes, strict=True):
        left, right, width = memoryview(ours), memoryview(theirs), ours.width * depth
        for line in range(ours.height):
            at, there = line * ours.line_size, line * theirs.line_size
            if left[at : at + width] != right[there : there + width]:
                return False
    return True
