"""The frames of a stream whose packets do not tell them: counted over a full decode, and again after what was lost."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from reelmill_stages.media.timeline.clock import Clock
from reelmill_stages.media.timeline.full_decode import Frame, decode_all, rising
from reelmill_stages.media.timeline.packet_table import PacketTable, Row
from reelmill_stages.media.timeline.resumption import Resumption, candidates, resumptions
from reelmill_stages.media_file import MediaFile

UNTIMED = frozenset({"h264", "hevc", "vvc", "m4v", "obu", "mpegvideo", "mjpeg"})
"""Containers of bare streams: libraries make the times of their packets up."""


@dataclass(frozen=True, slots=True)
class CountedFrames:
    """Decoded frames in order of presentation, and the packets that they come from."""

    pts: tuple[int, ...]
    """Ticks, rising."""
    keys: tuple[bool, ...]
    numbers: tuple[int, ...]
    """The packet after which each came out."""
    duration: int
    """Ticks that the last one is shown; 0 where nobody says."""
    packets: PacketTable
    damaged: frozenset[int]
    resumptions: tuple[Resumption, ...]


def measure(
    path: MediaFile,
    container: str,
    stream: int,
    rows: Sequence[Row],
    damaged: frozenset[int],
    clock: Clock | None = None,
) -> CountedFrames:
    """Decode all of a stream with these packets, of which some are damaged.

    `clock` is one that jumps: the frames after a jump follow those before it. Packets that cannot be decoded are
    damaged, too. Raises ItemError as `container.opened` does, and `corrupt` where damage leaves no frame; raises
    WholeFileNeeded for a remote file.
    """
    decoding = decode_all(path, stream)
    frames: Sequence[Frame] = decoding.frames
    damaged |= decoding.errors.keys()
    if clock is None and container not in UNTIMED:
        frames = _with_lost(frames, rows, decoding.errors)
    told = [frame.pts for frame in frames]
    if clock is not None:
        told = clock.continued(told)
    gaps = [bisect_left(frames, number, key=lambda frame: frame.fed) for number in damaged]
    times = rising(told, decoding.usual, gaps)
    known: list[Resumption] = []
    if damaged and container not in UNTIMED:
        packets = candidates(rows, damaged, clock)
        if packets:
            anew = decode_all(path, stream, anew=frozenset(packets)).frames
            known = resumptions(rows, damaged, packets, frames, anew, list(zip(told, times, strict=True)))
    begins = [0, *(point.packet for point in known)]
    if decoding.errors and not known and min((frame.fed for frame in frames), default=0) >= min(damaged):
        raise next(iter(decoding.errors.values()))
    return CountedFrames(
        pts=times,
        keys=tuple(frame.key for frame in frames),
        numbers=_numbers(frames, known),
        duration=frames[-1].duration if frames else 0,
        packets=PacketTable.of(
            rows,
            [number in set(begins) for number in range(len(rows))],
            [begins[bisect_right(begins, number) - 1] for number in range(len(rows))],
        ),
        damaged=damaged,
        resumptions=tuple(known),
    )


def _with_lost(frames: Sequence[Frame], rows: Sequence[Row], errors: Collection[int]) -> Sequence[Frame]:
    """The frames, and those of packets that cannot be decoded, where the container tells when they would be shown."""
    made = list(frames)
    given = {frame.pts for frame in frames}
    for number in sorted(errors):
        row = rows[number]
        if row.unit is None or not row.unit.shown or row.hidden or row.pts is None or row.pts in given:
            continue
        place = bisect_left(made, number, key=lambda frame: frame.fed)
        while place < len(made) and (tick := made[place].pts) is not None and tick < row.pts:
            place += 1
        made.insert(place, Frame(row.pts, key=False, fed=number, duration=row.duration))
    return made


def _numbers(frames: Sequence[Frame], known: Sequence[Resumption]) -> tuple[int, ...]:
    """The packet after which each frame came out, but never one from which frames are known again.

    Frames of before such a packet may come out after it.
    """
    numbers: list[int] = []
    for index, frame in enumerate(frames):
        begins = max((point.packet for point in known if point.frame <= index), default=0)
        ends = min((point.packet for point in known if point.frame > index), default=frame.fed + 1)
        numbers.append(min(max(frame.fed, begins), ends - 1))
    return tuple(numbers)
