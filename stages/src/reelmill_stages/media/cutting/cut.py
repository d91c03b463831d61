"""Planning of cuts: from a timeline and a span to the frames of a clip and their packets. No I/O.

A copied clip is a slice of the source's packets in decode order: from the key packet that its first visible frame needs
to the last packet whose frame is visible. Other frames in the slice (pre-roll before the first frame, reference frames
shown after the last one) are hidden by the clip's edit list but kept, because visible frames are decoded from them.
"""

from dataclasses import dataclass
from fractions import Fraction

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.timeline.timeline import Timeline
from reelmill_stages.media_file import MediaFile

_REORDERING = {"h264", "hevc", "vvc", "mpeg2video", "vc1"}
"""Codecs that are not copied out of containers without presentation times."""
_LONGEST_PRE_ROLL = 20
"""Maximum seconds that a clip may hide before its first frame if the container marked wrong packets as key frames."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The visible frames of a clip: their indices, and their interval [start, end) in ticks of `time_base` seconds."""

    frames: range
    start: int
    end: int
    time_base: Fraction

    @property
    def seconds(self) -> float:
        """Seconds from the first frame to the end of the last."""
        return float((self.end - self.start) * self.time_base)


@dataclass(frozen=True, slots=True)
class PacketRange:
    """Packets `first` to `last` (inclusive, in decode order) and their times in the clip, in the source's ticks."""

    first: int
    last: int
    pts: tuple[int, ...]
    dts: tuple[int, ...]


def cut_at(timeline: Timeline, start: float, end: float) -> Cut:
    """Return the cut of what is shown with start <= t < end (`Timeline.stretch`); t is 0 s at the first visible frame.

    Raises ItemError(`bad_span`) if nothing is shown.
    """
    shown = timeline.stretch(start, end)
    if not shown.frames:
        raise ItemError(ItemReason.BAD_SPAN, f"no frame is shown from {start:g} s to {end:g} s")
    return Cut(shown.frames, shown.start, shown.end, timeline.time_base)


def cut_frames(timeline: Timeline, frames: range) -> Cut:
    """Return the cut with exactly these frames."""
    after = timeline.pts[frames.stop] if frames.stop < len(timeline.pts) else timeline.end
    return Cut(frames, timeline.pts[frames.start], after, timeline.time_base)


def refuse_damaged(path: MediaFile, timeline: Timeline, cut: Cut) -> None:
    """Raise ItemError(`corrupt`) for a cut with frames of damaged packets; decoders do not always report damage."""
    if (index := timeline.spoiled(cut.frames)) is not None:
        starts, number = timeline.packets.starts, timeline.numbers[index]
        needed = (packet for packet in timeline.damaged if packet <= number)
        packet = min(packet for packet in needed if (starts[packet] or 0) >= (starts[number] or 0))
        raise ItemError(ItemReason.CORRUPT, f"{path.name}: frame {index}: {timeline.why_spoiled(packet)}")


def slice_of(timeline: Timeline, cut: Cut) -> PacketRange | None:
    """Return the packets that show exactly a cut's frames, or None if a copy cannot.

    Reasons for None:

    - packets do not determine the frames
    - only some packets have an orientation
    - decoder settings change in the middle
    - times occur twice
    - hidden frames lie between visible ones
    - the container marked a wrong key frame, and the next real one is far away
    """
    if timeline.counted or not timeline.steady or (timeline.untimed and timeline.codec in _REORDERING):
        return None
    if any(timeline.shape.turn):
        return None
    packets = timeline.packets
    numbers = [timeline.numbers[index] for index in cut.frames]
    first, last = entry(timeline, cut), max(numbers)
    if timeline.repaired and (cut.start - packets.pts[first]) * cut.time_base > _LONGEST_PRE_ROLL:
        return None
    begins = numbers[0]
    # A frame that was already on screen starts with the clip.
    held = {begins: cut.start} if packets.pts[begins] < cut.start else {}
    stamps = tuple(held.get(number, packets.pts[number]) for number in range(first, last + 1))
    if len(set(stamps)) < len(stamps) or sum(cut.start <= pts < cut.end for pts in stamps) != len(numbers):
        return None
    return PacketRange(first, last, stamps, _decode_times(stamps))


def entry(timeline: Timeline, cut: Cut) -> int:
    """Return the number of the key packet from which decoding must begin to reach all frames of a cut."""
    starts = (timeline.packets.starts[timeline.numbers[index]] for index in cut.frames)
    return min(start for start in starts if start is not None)


def _decode_times(pts: tuple[int, ...]) -> tuple[int, ...]:
    """Derive decode times from presentation times: ascending, and never after them. Matroska has no decode times."""
    ordered = sorted(pts)
    shift = max(rank - stamp for rank, stamp in zip(ordered, pts, strict=True))
    return tuple(rank - shift for rank in ordered)
