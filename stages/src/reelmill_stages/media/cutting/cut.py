"""Where to cut: from a timeline and a span to the frames of a clip and the packets that show them. Pure; no I/O.

A copied clip is a slice of the source's packets in decode order: from the key packet that its first visible frame needs
to the last packet whose frame is visible. What the slice holds besides (pre-roll before the first frame, reference
frames that are shown after the last one) is hidden by the clip's edit list, never left out: visible frames are decoded
from it.
"""

from dataclasses import dataclass
from fractions import Fraction

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.timeline.timeline import Timeline
from reelmill_stages.media_file import MediaFile

_REORDERING = {"h264", "hevc", "vvc", "mpeg2video", "vc1"}
"""Codecs whose pictures are not copied out of containers without times of presentation."""
_LONGEST_PRE_ROLL = 20
"""Seconds that a clip may hide before its first frame where a container named key frames that are none."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The visible frames of a clip: their indices, and their stretch [start, end) in ticks of `time_base` seconds."""

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
    """Packets `first` to `last` (inclusive, decode order) and the times that each gets, in the source's ticks."""

    first: int
    last: int
    pts: tuple[int, ...]
    dts: tuple[int, ...]


def cut_at(timeline: Timeline, start: float, end: float) -> Cut:
    """What is shown with start <= t < end (`Timeline.stretch`), where t is 0 s at the first visible frame.

    Raises ItemError(`bad_span`) where nothing is.
    """
    shown = timeline.stretch(start, end)
    if not shown.frames:
        raise ItemError(ItemReason.BAD_SPAN, f"no frame is shown from {start:g} s to {end:g} s")
    return Cut(shown.frames, shown.start, shown.end, timeline.time_base)


def cut_frames(timeline: Timeline, frames: range) -> Cut:
    """The cut that holds exactly these frames."""
    after = timeline.pts[frames.stop] if frames.stop < len(timeline.pts) else timeline.end
    return Cut(frames, timeline.pts[frames.start], after, timeline.time_base)


def refuse_damaged(path: MediaFile, timeline: Timeline, cut: Cut) -> None:
    """Raises ItemError(`corrupt`) for a cut with frames of damaged packets: decoders do not always tell."""
    if (index := timeline.spoiled(cut.frames)) is not None:
        starts, number = timeline.packets.starts, timeline.numbers[index]
        needed = (packet for packet in timeline.damaged if packet <= number)
        packet = min(packet for packet in needed if (starts[packet] or 0) >= (starts[number] or 0))
        raise ItemError(ItemReason.CORRUPT, f"{path.name}: frame {index}: {timeline.why_spoiled(packet)}")


def slice_of(timeline: Timeline, cut: Cut) -> PacketRange | None:
    """The packets that show exactly a cut's frames, or None where copied packets cannot.

    None: packets do not tell what they show, only some of them tell which way up they are, decoder settings change in
    the middle, times occur twice, frames that the source hides lie between visible ones, or the container promised a
    key frame and the next real one is far away.
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
    # A frame that was on screen before begins anew with the clip.
    held = {begins: cut.start} if packets.pts[begins] < cut.start else {}
    stamps = tuple(held.get(number, packets.pts[number]) for number in range(first, last + 1))
    if len(set(stamps)) < len(stamps) or sum(cut.start <= pts < cut.end for pts in stamps) != len(numbers):
        return None
    return PacketRange(first, last, stamps, _decode_times(stamps))


def entry(timeline: Timeline, cut: Cut) -> int:
    """Number of the key packet from which decoding must begin to reach all frames of a cut."""
    starts = (timeline.packets.starts[timeline.numbers[index]] for index in cut.frames)
    return min(start for start in starts if start is not None)


def _decode_times(pts: tuple[int, ...]) -> tuple[int, ...]:
    """Decode times made of the presentation times: rising, and never after them. Matroska has none of its own."""
    ordered = sorted(pts)
    shift = max(rank - stamp for rank, stamp in zip(ordered, pts, strict=True))
    return tuple(rank - shift for rank in ordered)
