"""The visible frames of a video in presentation order, from the packet table and the packets' own headers.

Every frame index in reelmill means a place in this order, so that all decoders and all stages mean the same frame.
What an edit list hides, frames that are only references, and frames before the first entry do not count.

The container tells the times, the bitstream where decoding may begin and in which order pictures are shown
(`bitstream`). Where the two disagree, or a packet is not one picture, or the codec is one that is not read, the frames
are those of a full decode (`measure`), and `Timeline.measured` says why.
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
from reelmill_stages.media.timeline.counted_frames import UNTIMED, Resumption, measure
from reelmill_stages.media.timeline.damaged_packets import damaged_packets
from reelmill_stages.media.timeline.decode_plan import first_tick_at
from reelmill_stages.media.timeline.last_frame import HELD, end_of_last, usual_step
from reelmill_stages.media.timeline.packet_table import PacketTable, Row, Seen, see
from reelmill_stages.media.timeline.shape import SQUARE, Shape
from reelmill_stages.media.timeline.visible_frames import LOST, after_damage, visible_frames, with_first
from reelmill_stages.media_file import MediaFile


@dataclass(frozen=True, slots=True)
class Stretch:
    """Frames that are shown one after the other, and from which tick to which: [start, end)."""

    frames: range
    start: int
    """Later than the first frame's own time where that one was on screen before."""
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
    """Ticks, rising."""
    end: int
    """Tick at which the last frame ends."""
    keys: tuple[bool, ...]
    skippable: tuple[bool, ...]
    """True where the container says that no other frame depends on it; decoders know better and skip more."""
    numbers: tuple[int, ...]
    """Packet number of each frame."""
    packets: PacketTable
    measured: str = ""
    """Why the frames had to be counted over a full decode; empty where packets tell all."""
    joined: bool = False
    """The clock jumps: frames follow each other as they lie in the file, and what sounds when is not known."""
    steady: bool = True
    """False where decoder settings change in the middle: then no packet may be left out."""
    repaired: bool = False
    """The container calls packets key frames that are none."""
    shape: Shape = SQUARE
    """What of the stored pixels is shown, and how wide they are."""
    undecodable: int = 0
    """Pictures before the first that a decoder can begin at: a recording that was cut between key frames."""
    layered: bool = False
    """Pictures that nothing of their own layer depends on may be needed by others."""
    damaged: frozenset[int] = frozenset()
    """Numbers of damaged packets. A decoder may show something for them, and not say so."""
    resumptions: tuple[Resumption, ...] = ()
    """Where frames that are counted are known again after damage."""
    form: CodedForm = NOT_TOLD

    def __len__(self) -> int:
        return len(self.pts)

    def spoiled(self, frames: Sequence[int]) -> int | None:
        """The first of some frames that depends on a damaged packet, as far as packets tell."""
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
        """Why a frame that depends on this damaged packet is not to be had: a part of a sentence."""
        if not self.counted:
            return f"packet {packet}, which the frame depends on, is damaged"
        said = f"packet {packet}, on which the frame may depend, is damaged"
        if any(point.packet > packet for point in self.resumptions):
            return said
        return f"{said}, and nothing after it tells which frame comes next"

    @property
    def counted(self) -> bool:
        """Frames are told apart by counting what a decoder gives, from the first packet or from a resumption on."""
        return bool(self.measured)

    def told(self) -> dict[str, Any]:
        """What provenance and counters say beyond the ordinary, by words of `StageCounter`: why frames were measured,
        how many pictures are undecodable, and the shape. Empty for ordinary files.
        """
        words = {
            StageCounter.MEASURED: self.measured,
            StageCounter.REPAIRED: self.repaired,
            StageCounter.UNDECODABLE: self.undecodable,
            StageCounter.SHAPE: self.shape.to_json(),
        }
        return {word.value: said for word, said in words.items() if said}

    @property
    def untimed(self) -> bool:
        """Whether the container tells no times of presentation: libraries make them up, each in its own way."""
        return self.container == "avi" or self.container in UNTIMED

    @property
    def origin(self) -> int:
        """Tick of the first visible frame: second 0."""
        return self.pts[0]

    @property
    def duration(self) -> float:
        """Seconds from the start of the first frame to the end of the last."""
        return float((self.end - self.origin) * self.time_base)

    def seconds(self, index: int) -> float:
        """When frame `index` is shown, in seconds from the first frame."""
        return self.seconds_at(self.pts[index])

    def seconds_at(self, tick: int) -> float:
        """Seconds from the first frame to a tick: those of an exact fraction, in a fifth of the time."""
        return (tick - self.origin) * self.time_base.numerator / self.time_base.denominator

    def index_at(self, seconds: float) -> int:
        """The frame on screen at a moment; the first before the start, the last after the end."""
        tick = self.origin + first_tick_at(seconds, self.time_base)
        at = bisect_left(self.pts, tick)
        return at if tick in self.pts[at : at + 1] else max(0, at - 1)

    @property
    def whole(self) -> Stretch:
        """All frames."""
        return Stretch(range(len(self.pts)), self.origin, self.end)

    def stretch(self, start: float, end: float) -> Stretch:
        """What is shown from second `start` to second `end`.

        A frame belongs to the span in which it begins, so that neighbouring spans share none. But it is shown until the
        next one: where the span would go on for more than `HELD` seconds before a frame of its own begins, the frame on
        screen is its first, and where the last one is shown for longer than that after the span, it ends with it.
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
        """Indices of the frames of `stretch`. Empty where nothing is shown."""
        return self.stretch(start, end).frames


def read_timeline(path: MediaFile, *, stream: int | None = None) -> Timeline:
    """The timeline of the stream with this index, or of the one that players show.

    Of a remote file only the index is read, and believed until `index_check` looks at the packets that are used.
    Raises WholeFileNeeded where that does not do, and ItemError(`missing`, `empty`, `corrupt`, `truncated`, `no_video`,
    `zero_duration`).
    """
    with opened(path) as container:
        video = video_stream(path, container, stream)
        seen = see(path, container, video)
        if lacks_packets(path, container, video, len(seen.rows), seen.end):
            raise ItemError(ItemReason.TRUNCATED, f"{path.name} ends before the last frame that its container lists")
        if not seen.rows:
            raise _nothing(path)
        return _timeline(path, container, video, seen)


def _nothing(path: MediaFile) -> ItemError:
    return ItemError(ItemReason.ZERO_DURATION, f"{path.name} has a video stream without a single displayable frame")


def _timeline(path: MediaFile, container: InputContainer, video: VideoStream, seen: Seen) -> Timeline:
    rows, time_base = seen.rows, video.time_base or Fraction(1, 1)
    name = container.format.name
    clock = Clock(name, time_base)
    jumped = clock.jump([row.dts for row in rows], [row.pts for row in rows], [row.key for row in rows])
    if jumped is not None:
        unread = seen.unknown or seen.unread  # then joined recordings look as if something was lost between them
        damaged = frozenset() if unread else damaged_packets(path, name, video, rows)
        return _measured(path, name, video, seen, str(jumped), damaged, clock)
    damaged = damaged_packets(path, name, video, rows)
    units = with_first(rows, [row.unit or LOST for row in rows], damaged)
    planned = _left_open(seen, units, damaged) or visible_frames(rows, units, damaged)
    if isinstance(planned, str):
        return _measured(path, name, video, seen, planned, damaged)
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
        repaired=_promises_too_much(name, video, rows, units),
        layered=seen.layered,
        damaged=damaged,
        form=form_of(video),
    )


def _promises_too_much(container: str, video: VideoStream, rows: Sequence[Row], units: Sequence[Unit]) -> bool:
    """Whether packets, or the index that seeks go by, are called key frames and are none."""
    if any(row.key and not unit.entry for row, unit in zip(rows, units, strict=True)):
        return True
    if "mov" not in container and "matroska" not in container:
        return False
    entries = [row for row, unit in zip(rows, units, strict=True) if unit.entry]
    places, times = {row.place for row in entries}, {row.pts for row in entries}
    index = (entry for entry in video.index_entries if entry.is_keyframe)
    return any(entry.pos not in places and entry.timestamp not in times for entry in index)


def _left_open(seen: Seen, units: Sequence[Unit], damaged: Collection[int]) -> str:
    """What bits leave open that no damage explains: a part of a sentence, or nothing."""
    affected = after_damage(units, damaged)
    return seen.unknown or next((f"packet {n}: {why}" for n, why in seen.unread.items() if not affected[n]), "")


def _measured(
    path: MediaFile,
    container: str,
    video: VideoStream,
    seen: Seen,
    why: str,
    damaged: frozenset[int],
    clock: Clock | None = None,
) -> Timeline:
    """The timeline of a full decode; with the `clock` that jumps."""
    found = measure(path, container, video.index, seen.rows, damaged, clock, steady=seen.steady)
    if not found.pts:
        raise _nothing(path)
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
