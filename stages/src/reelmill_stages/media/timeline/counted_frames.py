"""Frames of a stream whose packets do not identify them: counted in a full decode, and resumed after losses.

A frame that is identified by its number is lost after the first damaged packet, because the number of lost frames is
unknown. Counting resumes at a packet where decoding may begin and whose presentation time the container has, if a
decoder that begins there gives the same frames at the same times as the one that began at the start of the file.
Containers of bare streams have no times, and in joined recordings each part has a separate clock.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from reelmill_stages.media.timeline.clock import Clock
from reelmill_stages.media.timeline.full_decode import Frame, decode_all, rising
from reelmill_stages.media.timeline.packet_table import PacketTable, Row
from reelmill_stages.media_file import MediaFile

UNTIMED = frozenset({"h264", "hevc", "vvc", "m4v", "obu", "mpegvideo", "mjpeg"})
"""Containers of bare streams; libraries invent the times of their packets."""
_REORDERED = {"h264", "hevc", "vvc", "mpeg4", "mpeg2video", "mpeg1video", "vc1", "wmv3"}
"""Codecs whose pictures may be decoded in another order than they are shown."""
_REORDER = 17
"""Maximum number of packets that any codec takes in before a picture is output, with a margin."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """Frame `frame`, and all after it up to the next damage, are decoded from packet `packet` on."""

    packet: int
    frame: int


@dataclass(frozen=True, slots=True)
class CountedFrames:
    """Decoded frames in presentation order, and the packets that they come from."""

    pts: tuple[int, ...]
    """Ticks, ascending."""
    keys: tuple[bool, ...]
    numbers: tuple[int, ...]
    """The packet after which each frame was output."""
    duration: int
    """Ticks that the last frame is shown; 0 if unknown."""
    packets: PacketTable
    damaged: frozenset[int]
    resumptions: tuple[Resumption, ...]
    varies: bool
    """Frames differ in size, format or orientation."""


def has_no_times(container: str, codec: str) -> bool:
    """Whether a container, by FFmpeg's name, has no presentation times for pictures of a codec.

    The times of ASF are read as decode times, from which libraries derive those of presentation.
    """
    return container == "avi" or container in UNTIMED or (container == "asf" and codec in _REORDERED)


def measure(
    path: MediaFile,
    container: str,
    stream: int,
    rows: Sequence[Row],
    damaged: frozenset[int],
    clock: Clock | None = None,
    *,
    steady: bool = True,
) -> CountedFrames:
    """Decode all packets of a stream, of which some are damaged.

    `clock` is one that jumps: the frames after a jump follow those before it. If `steady` is False, decoder settings
    change in the middle, and decoding can begin only at the first packet. Packets that cannot be decoded count as
    damaged.

    Raises ItemError as `container.opened` does, and `corrupt` if damage leaves no frame; raises WholeFileNeeded for a
    remote file.
    """
    decoding = decode_all(path, stream)
    frames: Sequence[Frame] = decoding.frames
    damaged |= decoding.errors.keys()
    if clock is None and container not in UNTIMED:
        frames = _with_lost_frames(frames, rows, decoding.errors)
    ticks = [frame.pts for frame in frames]
    if clock is not None:
        ticks = clock.continued(ticks)
    gaps = [bisect_left(frames, number, key=_fed) for number in damaged]
    times = rising(ticks, decoding.usual, gaps)
    known: list[Resumption] = []
    if damaged and steady and container not in UNTIMED:
        packets = _resumption_candidates(rows, damaged, clock)
        if packets:
            anew = decode_all(path, stream, anew=frozenset(packets)).frames
            known = _resumptions(rows, damaged, packets, frames, anew, list(zip(ticks, times, strict=True)))
    begins = [0, *(point.packet for point in known)]
    begun = set(begins)
    if decoding.errors and not known and min((frame.fed for frame in frames), default=len(rows)) >= min(damaged):
        raise next(iter(decoding.errors.values()))
    return CountedFrames(
        pts=times,
        keys=tuple(frame.key for frame in frames),
        numbers=_packet_numbers(frames, known),
        duration=frames[-1].duration if frames else 0,
        packets=PacketTable.of(
            rows,
            [number in begun for number in range(len(rows))],
            [begins[bisect_right(begins, number) - 1] for number in range(len(rows))],
        ),
        damaged=damaged,
        resumptions=tuple(known),
        varies=decoding.varies,
    )


def _with_lost_frames(frames: Sequence[Frame], rows: Sequence[Row], errors: Collection[int]) -> Sequence[Frame]:
    """Add the frames of packets that cannot be decoded, if the container has their presentation times."""
    made = list(frames)
    given = {frame.pts for frame in frames}
    for number in sorted(errors):
        row = rows[number]
        if row.unit is None or not row.unit.shown or row.hidden or row.pts is None or row.pts in given:
            continue
        place = bisect_left(made, number, key=_fed)
        end = min(len(made), place + _REORDER)
        while place < end and (tick := made[place].pts) is not None and tick < row.pts:
            place += 1
        made.insert(place, Frame(row.pts, key=False, fed=number, duration=row.duration))
    return made


def _packet_numbers(frames: Sequence[Frame], known: Sequence[Resumption]) -> tuple[int, ...]:
    """Return the packet after which each frame was output, but at most the last resumption before it.

    Frames from before a resumption may be output after its packet.
    """
    firsts = [point.frame for point in known]
    begins = [0, *(point.packet for point in known)]
    numbers: list[int] = []
    for index, frame in enumerate(frames):
        part = bisect_right(firsts, index)
        number = max(frame.fed, begins[part])
        numbers.append(min(number, begins[part + 1] - 1) if part < len(known) else number)
    return tuple(numbers)


def _resumption_candidates(rows: Sequence[Row], damaged: Collection[int], clock: Clock | None) -> list[int]:
    """Return packets where counting may resume: after each damage, the first one at which decoding may begin.

    There are no more once the clock jumps in between.
    """
    found: list[int] = []
    lost: int | None = None
    for number, row in enumerate(rows):
        if number in damaged:
            lost = number if lost is None else lost
        elif lost is not None and row.unit is not None and row.unit.entry and row.pts is not None:
            if clock is not None and _has_jump(clock, rows[max(0, lost - 1) : number + 1]):
                break
            found.append(number)
            lost = None
    return found


def _has_jump(clock: Clock, rows: Sequence[Row]) -> bool:
    jump = clock.jump([row.dts for row in rows], [row.pts for row in rows], [row.key for row in rows])
    return jump is not None


def _resumptions(
    rows: Sequence[Row],
    damaged: Collection[int],
    packets: Sequence[int],
    frames: Sequence[Frame],
    anew: Sequence[Frame],
    times: Sequence[tuple[int | None, int]],
) -> list[Resumption]:
    """Return the candidates in `packets` at which counting resumes.

    `frames` are those of a decode from the start, `anew` those of a decode that restarted at each candidate; `times`
    are the times of the first decode, from the decoder and in the timeline.
    """
    found: list[Resumption] = []
    lost = [*sorted(damaged), len(rows)]
    for packet, after in zip(packets, [*packets[1:], len(rows)], strict=True):
        until = lost[bisect_right(lost, packet)]
        first = _shown_frame(rows[packet].pts, packet, frames)
        begin = _shown_frame(rows[packet].pts, packet, anew)
        if first is None or begin is None:
            continue
        old = frames[first : max(first, bisect_left(frames, until, key=_fed))]
        new = anew[begin : max(begin, bisect_left(anew, min(until, after), key=_fed))]
        same = all(one.pts == other.pts for one, other in zip(old, new, strict=False))
        if until == len(rows) and len(old) != len(new):
            continue
        if same and _has_decoder_times(times[first : first + len(old)]):
            found.append(Resumption(packet, first))
    return found


def _shown_frame(pts: int | None, packet: int, frames: Sequence[Frame]) -> int | None:
    """Return the frame that a packet shows; None if it is uncertain."""
    begin, end = (bisect_left(frames, number, key=_fed) for number in (packet, packet + _REORDER + 1))
    near = [index for index in range(begin, end) if frames[index].pts == pts]
    return near[0] if len(near) == 1 else None


def _fed(frame: Frame) -> int:
    return frame.fed


def _has_decoder_times(times: Sequence[tuple[int | None, int]]) -> bool:
    """Whether frames have the decoder's times: in this order or, if all times are known, as a set."""
    known = [(tick, made) for tick, made in times if tick is not None]
    if len(known) == len(times):
        return sorted(tick for tick, _ in known) == sorted(made for _, made in known)
    return all(tick == made for tick, made in known)
