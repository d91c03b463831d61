"""The visible frames of a video in presentation order, from the packet table and the packets' headers.

Every frame index in reelmill is an index in this order, so that all decoders and all stages mean the same frame. Frames
hidden by an edit list, frames that are only references, and frames before the first entry do not count.

The container defines the times; the bitstream defines where decoding may begin and the order of pictures (`bitstream`).
If the two disagree, a packet is not one picture, or the codec is not supported, the frames are those of a full decode
(`measure`), and `Timeline.measured` has the reason.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Any

from av.container import InputContainer
from av.video.stream import VideoStream

from reelmill.contract.counters import StageCounter
from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.bitstream.units import Unit
from reelmill_stages.media.container.demux import opened, video_stream
from reelmill_stages.media.container.extent import lacks_packets
from reelmill_stages.media.timeline.clock import Clock
from reelmill_stages.media.timeline.coded_form import NOT_TOLD, CodedForm, form_of
from reelmill_stages.media.timeline.counted_frames import Resumption, has_no_times, measure
from reelmill_stages.media.timeline.damaged_packets import damaged_packets
from reelmill_stages.media.timeline.decode_plan import first_tick_at
from reelmill_stages.media.timeline.last_frame import HELD, end_of_last, usual_step
from reelmill_stages.media.timeline.packet_table import PacketTable, Row, Seen, see
from reelmill_stages.media.timeline.shape import SQUARE, Shape
from reelmill_stages.media.timeline.visible_frames import LOST, after_damage, visible_frames, with_first
from reelmill_stages.media_file import MediaFile


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive frames, and the interval of ticks in which they are shown: [start, end)."""

    frames: range
    start: int
    """Later than the first frame's time if that frame was already on screen."""
    end: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Visible frames in presentation order; index i runs from 0 to len - 1."""

    stream: int
    """Index of the stream in its container."""
    codec: str
    container: str
    time_base: Fraction
    """Seconds per tick."""
    pts: tuple[int, ...]
    """Ticks, ascending."""
    end: int
    """Tick at which the last frame ends."""
    keys: tuple[bool, ...]
    skippable: tuple[bool, ...]
    """True if no other frame depends on it according to the container; decoders may skip more."""
    numbers: tuple[int, ...]
    """Packet number of each frame."""
    packets: PacketTable
    measured: str = ""
    """Why the frames had to be counted in a full decode; empty if packets determine them."""
    joined: bool = False
    """The clock jumps: frames follow each other in file order, and the times of sound are unknown."""
    steady: bool = True
    """False if decoder settings change in the middle; then no packet may be left out."""
    repaired: bool = False
    """The container marks packets as key frames that are not."""
    shape: Shape = SQUARE
    """The displayed part of the stored pixels, and their aspect."""
    undecodable: int = 0
    """Number of pictures before the first entry, in a recording that was cut between key frames."""
    layered: bool = False
    """Pictures that nothing in their own layer depends on may be needed by other layers."""
    damaged: frozenset[int] = frozenset()
    """Numbers of damaged packets. A decoder may output pictures for them without reporting an error."""
    resumptions: tuple[Resumption, ...] = ()
    """Where counting of frames resumes after damage."""
    form: CodedForm = NOT_TOLD

    def __len__(self) -> int:
        return len(self.pts)

    def spoiled(self, frames: Sequence[int]) -> int | None:
        """Return the first of these frames that depends on a known damaged packet."""
        starts = self.packets.starts
        damaged = sorted(self.damaged)
        latest = list(accumulate((starts[number] or 0 for number in damaged), max))
        for index in frames if damaged else ():
            number = self.numbers[index]
            before = bisect_right(damaged, number)
            if before and latest[before - 1] >= (starts[number] or 0):
                return index
        return None

    def why_spoiled(self, packet: int) -> str:
        """Return why a frame that depends on this damaged packet is unavailable, as part of a sentence."""
        if not self.counted:
            return f"packet {packet}, which the frame depends on, is damaged"
        reason = f"packet {packet}, on which the frame may depend, is damaged"
        if any(point.packet > packet for point in self.resumptions):
            return reason
        return f"{reason}, and nothing after it tells which frame comes next"

    @property
    def counted(self) -> bool:
        """Whether frames are identified by counting the decoder's output, from the first packet or a resumption on."""
        return bool(self.measured)

    def special_properties(self) -> dict[str, Any]:
        """Special properties for provenance and counters, by words of `StageCounter`; empty for ordinary files.

        They are: why frames were measured, the number of undecodable pictures, and the shape.
        """
        words = {
            StageCounter.MEASURED: self.measured,
            StageCounter.REPAIRED: self.repaired,
            StageCounter.UNDECODABLE: self.undecodable,
            StageCounter.SHAPE: self.shape.to_json(),
        }
        return {word.value: value for word, value in words.items() if value}

    @property
    def untimed(self) -> bool:
        """Whether the container has no presentation times; each library invents them differently."""
        return has_no_times(self.container, self.codec)

    @property
    def origin(self) -> int:
        """Tick of the first visible frame, which is second 0."""
        return self.pts[0]

    @property
    def duration(self) -> float:
        """Seconds from the start of the first frame to the end of the last."""
        return float((self.end - self.origin) * self.time_base)

    def seconds(self, index: int) -> float:
        """Return when frame `index` is shown, in seconds from the first frame."""
        return self.seconds_at(self.pts[index])

    def seconds_at(self, tick: int) -> float:
        """Return the seconds from the first frame to a tick, exact like a fraction but in a fifth of the time."""
        return (tick - self.origin) * self.time_base.numerator / self.time_base.denominator

    def index_at(self, seconds: float) -> int:
        """Return the frame on screen at a moment; the first before the start, the last after the end."""
        tick = self.origin + first_tick_at(seconds, self.time_base)
        at = bisect_left(self.pts, tick)
        return at if tick in self.pts[at : at + 1] else max(0, at - 1)

    @property
    def whole(self) -> Stretch:
        """All frames."""
        return Stretch(range(len(self.pts)), self.origin, self.end)

    def stretch(self, start: float, end: float) -> Stretch:
        """Return what is shown from second `start` to second `end`.

        A frame belongs to the span in which it begins, so neighbouring spans share no frames. Frames that are shown for
        long are treated specially: if the span lasts more than `HELD` seconds before a frame begins in it, its first
        frame is the one on screen; if the last frame is shown for longer than that after the span, it ends with the
        span.
        """
        begin, stop = (self.origin + first_tick_at(moment, self.time_base) for moment in (start, end))
        first, last = bisect_left(self.pts, begin), bisect_left(self.pts, stop)
        last = max(first, last)
        own = self.pts[first] if first < last else min(stop, self.end)
        if first and (own - begin) * self.time_base > HELD:
            first -= 1
        if first == last:
            return Stretch(range(first, first), begin, begin)
        after = self.pts[last] if last < len(self.pts) else self.end
        if (after - stop) * self.time_base > HELD:
            after = stop
        return Stretch(range(first, last), max(begin, self.pts[first]), after)

    def window(self, start: float, end: float) -> range:
        """Return the indices of the frames of `stretch`. Empty if nothing is shown."""
        return self.stretch(start, end).frames


def read_timeline(path: MediaFile, *, stream: int | None = None) -> Timeline:
    """Return the timeline of the stream with this index, or of the one that players show.

    Of a remote file only the index is read; `index_check` verifies the packets that are used later. Raises
    WholeFileNeeded if the index is not enough, and ItemError(`missing`, `empty`, `corrupt`, `truncated`, `no_video`,
    `zero_duration`).
    """
    with opened(path) as container:
        video = video_stream(path, container, stream)
        seen = see(path, container, video)
        if lacks_packets(path, container, video, len(seen.rows), seen.end):
            raise ItemError(ItemReason.TRUNCATED, f"{path.name} ends before the last frame that its container lists")
        if not seen.rows:
            raise _no_frames_error(path)
        return _build_timeline(path, container, video, seen)


def _no_frames_error(path: MediaFile) -> ItemError:
    return ItemError(ItemReason.ZERO_DURATION, f"{path.name} has a video stream without a single displayable frame")


def _build_timeline(path: MediaFile, container: InputContainer, video: VideoStream, seen: Seen) -> Timeline:
    rows, time_base = seen.rows, video.time_base or Fraction(1, 1)
    name = container.format.name
    clock = Clock(name, time_base)
    jumped = clock.jump([row.dts for row in rows], [row.pts for row in rows], [row.key for row in rows])
    if jumped is not None:
        unread = seen.unknown or seen.unread  # otherwise joined recordings look as if packets were lost between them
        damaged = frozenset() if unread else damaged_packets(path, name, video, rows)
        return _fully_decoded_timeline(path, name, video, seen, str(jumped), damaged, clock)
    damaged = damaged_packets(path, name, video, rows)
    units = with_first(rows, [row.unit or LOST for row in rows], damaged)
    planned = _undetermined(seen, units, damaged) or visible_frames(rows, units, damaged)
    if isinstance(planned, str):
        return _fully_decoded_timeline(path, name, video, seen, planned, damaged)
    shown, ticks, starts = planned.numbers, planned.ticks, planned.starts
    return Timeline(
        stream=video.index,
        codec=video.codec_context.codec.canonical_name,
        container=name,
        time_base=time_base,
        pts=ticks,
        end=end_of_last(name, video, ticks, rows, shown[-1]),
        keys=tuple(rows[number].key and units[number].entry for number in shown),
        skippable=tuple(rows[number].disposable for number in shown),
        numbers=shown,
        packets=PacketTable.of(rows, [unit.entry for unit in units], starts),
        steady=seen.steady,
        shape=seen.shape,
        undecodable=sum(unit.shown and start is None for unit, start in zip(units, starts, strict=True)),
        repaired=_has_wrong_key_flags(name, video, rows, units),
        layered=seen.layered,
        damaged=damaged,
        form=form_of(video),
    )


def _has_wrong_key_flags(container: str, video: VideoStream, rows: Sequence[Row], units: Sequence[Unit]) -> bool:
    """Whether packets, or the index used for seeks, are wrongly marked as key frames."""
    if any(row.key and not unit.entry for row, unit in zip(rows, units, strict=True)):
        return True
    if "mov" not in container and "matroska" not in container:
        return False
    entries = [row for row, unit in zip(rows, units, strict=True) if unit.entry]
    places, times = {row.place for row in entries}, {row.pts for row in entries}
    index = (entry for entry in video.index_entries if entry.is_keyframe)
    return any(entry.pos not in places and entry.timestamp not in times for entry in index)


def _undetermined(seen: Seen, units: Sequence[Unit], damaged: Collection[int]) -> str:
    """Return what the bits leave open for reasons other than damage, as part of a sentence; empty if nothing."""
    affected = after_damage(units, damaged)
    return seen.unknown or next((f"packet {n}: {why}" for n, why in seen.unread.items() if not affected[n]), "")


def _fully_decoded_timeline(
    path: MediaFile,
    container: str,
    video: VideoStream,
    seen: Seen,
    why: str,
    damaged: frozenset[int],
    clock: Clock | None = None,
) -> Timeline:
    """Return the timeline of a full decode; `clock` is one that jumps."""
    found = measure(path, container, video.index, seen.rows, damaged, clock, steady=seen.steady)
    if not found.pts:
        raise _no_frames_error(path)
    return Timeline(
        stream=video.index,
        codec=video.codec_context.codec.canonical_name,
        container=container,
        time_base=video.time_base or Fraction(1, 1),
        pts=found.pts,
        end=found.pts[-1] + (found.duration or usual_step(found.pts)),
        keys=found.keys,
        skippable=(False,) * len(found.pts),
        numbers=found.numbers,
        packets=found.packets,
        measured=why,
        joined=clock is not None,
        steady=seen.steady,
        shape=seen.shape,
        form=form_of(video, varies=found.varies),
        damaged=found.damaged,
        resumptions=found.resumptions,
    )
