"""The visible frames of a video in presentation order, from the packet table alone: nothing is decoded.

Every frame index in reelmill means a place in this order, so that all decoders and all stages mean the same frame.
What an edit list hides, hidden reference frames (VP8, VP9) and frames before the first key frame do not count.
Whether the container told the truth is found out by decoding: `decode` gives exactly these frames or fails.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median_low

from av.packet import Packet
from av.video.stream import VideoStream

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.container import opened, packets, video_stream
from reelmill_stages.media.extent import is_cut_short
from reelmill_stages.media.hidden import hides_frame
from reelmill_stages.media.plan import first_tick_at, start_keys

_UNORDERED = {"avi", "h264", "hevc", "m4v", "obu"}
"""Containers that do not say in which order frames are shown."""
_REORDERING = {"h264", "hevc", "vvc", "mpeg2video", "vc1"}


@dataclass(frozen=True, slots=True)
class PacketTable:
    """All packets of the stream in decode order, one entry each in every tuple."""

    pts: tuple[int, ...]
    """Ticks; where the container gives none, the decoding time or the packet's number."""
    keys: tuple[bool, ...]
    sizes: tuple[int, ...]
    """Bytes."""
    places: tuple[int | None, ...]
    """Byte offset in the file, where known: tells packets apart after a seek."""
    starts: tuple[int | None, ...]
    """Number of the key packet from which each can be decoded."""


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
    counted: bool = False
    """The container does not tell the order: frames are told apart by counting, so decoding begins at the first."""
    steady: bool = True
    """False where decoder settings change in the middle: then no packet may be left out."""

    def __len__(self) -> int:
        return len(self.pts)

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
        return float((self.pts[index] - self.origin) * self.time_base)

    def index_at(self, seconds: float) -> int:
        """The frame on screen at a moment; the first before the start, the last after the end."""
        tick = self.origin + first_tick_at(seconds, self.time_base)
        at = bisect_left(self.pts, tick)
        if at < len(self.pts) and self.pts[at] == tick:
            return at
        return max(0, at - 1)

    def window(self, start: float, end: float) -> range:
        """Indices of the frames with start <= their seconds < end. Empty where none is."""
        first = bisect_left(self.pts, self.origin + first_tick_at(start, self.time_base))
        last = bisect_left(self.pts, self.origin + first_tick_at(end, self.time_base))
        return range(first, max(first, last))


@dataclass(slots=True)
class _Row:
    """What one packet says of itself."""

    pts: int | None
    key: bool
    size: int
    place: int | None
    duration: int
    shown: bool
    disposable: bool


def read_timeline(path: Path, *, stream: int | None = None) -> Timeline:
    """The timeline of the stream with this index, or of the one that players show.

    Raises ItemError(`missing`, `empty`, `corrupt`, `truncated`, `no_video`, `zero_duration`).
    """
    with opened(path) as container:
        if is_cut_short(path):
            raise ItemError(ItemReason.TRUNCATED, f"{path.name} ends before the container says it does")
        video = video_stream(path, container, stream)
        codec = video.codec_context.codec.canonical_name
        steady = True
        rows: list[_Row] = []
        for packet in packets(path, container, video):
            rows.append(_row(packet, codec))
            steady = steady and (len(rows) == 1 or not packet.has_sidedata("new_extradata"))
        if "mov" in container.format.name and len(rows) < len(video.index_entries):
            raise ItemError(
                ItemReason.TRUNCATED, f"{path.name} lists {len(video.index_entries)} frames and holds {len(rows)}"
            )
        return _timeline(path, video, container.format.name, rows, steady)


def _row(packet: Packet[VideoStream], codec: str) -> _Row:
    return _Row(
        pts=packet.pts,
        key=packet.is_keyframe,
        size=packet.size,
        place=packet.pos,
        duration=packet.duration or 0,
        shown=not packet.is_discard and not hides_frame(packet, codec),
        disposable=packet.is_disposable,
    )


def _timeline(path: Path, video: VideoStream, container: str, rows: list[_Row], steady: bool) -> Timeline:
    codec = video.codec_context.codec.canonical_name
    counted = container in _UNORDERED and codec in _REORDERING
    if all(row.pts is None for row in rows):
        counted = True
        for number, row in enumerate(rows):
            row.pts = number
    shown = [number for number, row in enumerate(rows) if row.shown and row.pts is not None]
    pts = _filled([row.pts for row in rows])
    starts = start_keys(pts, [row.key for row in rows])
    shown = [number for number in shown if starts[number] is not None]
    if not shown:
        raise ItemError(
            ItemReason.ZERO_DURATION, f"{path.name} has a video stream without a single frame that can be shown"
        )
    counted = counted or len({pts[number] for number in shown}) < len(shown)
    ticks = sorted(pts[number] for number in shown)
    if not counted:
        shown.sort(key=pts.__getitem__)
    return Timeline(
        stream=video.index,
        codec=codec,
        container=container,
        time_base=video.time_base or Fraction(1, 1),
        pts=tuple(ticks),
        end=ticks[-1] + (rows[shown[-1]].duration or _usual_step(ticks)),
        keys=tuple(rows[number].key for number in shown),
        skippable=tuple(rows[number].disposable for number in shown),
        numbers=tuple(shown),
        packets=PacketTable(
            pts=tuple(pts),
            keys=tuple(row.key for row in rows),
            sizes=tuple(row.size for row in rows),
            places=tuple(row.place for row in rows),
            starts=tuple(starts),
        ),
        counted=counted,
        steady=steady,
    )


def _filled(pts: Iterable[int | None]) -> list[int]:
    """Missing times take the one before: such packets are never frames of their own."""
    filled: list[int] = []
    for tick in pts:
        filled.append(tick if tick is not None else (filled[-1] if filled else 0))
    return filled


def _usual_step(ticks: list[int]) -> int:
    return median_low([after - before for before, after in pairwise(ticks)] or [1])
