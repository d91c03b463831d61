"""Frames of a stream as a decoder gives them, from the first packet to the last: for streams whose packets do not tell.

Nothing is known here of why: this is the full decode that everything else must agree with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low

import av
from av.packet import Packet
from av.video.stream import VideoStream

from reelmill.contract.records.usage import Bound
from reelmill_stages.media.container.demux import damage, opened, packets, video_stream
from reelmill_stages.media.timeline.clock import Clock
from reelmill_stages.media_file import MediaFile, local_path
from reelmill_stages.metering.work_clock import CLOCK


@dataclass(frozen=True, slots=True)
class Measured:
    """Decoded frames in order of presentation: `pts` in ticks, rising; `fed`: the packet after which each came out."""

    pts: tuple[int, ...]
    keys: tuple[bool, ...]
    fed: tuple[int, ...]
    duration: int
    """Ticks that the last one is shown; 0 where nobody says."""


def measure(path: MediaFile, stream: int, clock: Clock | None = None) -> Measured:
    """Decode all of a stream. `clock` is one that jumps: the frames after a jump follow those before it.

    Raises ItemError as `container.opened` does, and `corrupt` where a packet cannot be decoded: how many frames are
    lost with it is not known. Raises WholeFileNeeded for a remote file.
    """
    path = local_path(path, "its frames are counted over a full decode")
    times: list[int | None] = []
    keys: list[bool] = []
    fed: list[int] = []
    duration = 0
    with opened(path) as container:
        video = video_stream(path, container, stream)
        codec = video.codec_context
        codec.thread_count = 1
        number = -1
        for number, packet in enumerate(packets(path, container, video)):
            for frame in _decoded(path, codec, packet):
                times.append(frame.pts)
                keys.append(bool(frame.key_frame))
                fed.append(number)
                duration = frame.duration or 0
        for frame in _decoded(path, codec, None):
            times.append(frame.pts)
            keys.append(bool(frame.key_frame))
            fed.append(number)
            duration = frame.duration or 0
        usual = _by_rate(video)
        if clock is not None:
            times = clock.continued(times)
    return Measured(rising(times, usual), tuple(keys), tuple(fed), duration)


def _decoded(path: MediaFile, codec: av.VideoCodecContext, packet: Packet[VideoStream] | None) -> list[av.VideoFrame]:
    try:
        with CLOCK.on(Bound.DECODE):
            return list(codec.decode(packet))
    except av.FFmpegError as error:
        raise damage(path, error) from error


def _by_rate(stream: VideoStream) -> int:
    rate = stream.average_rate or stream.guessed_rate
    return max(1, round(1 / (rate * stream.time_base))) if rate and stream.time_base else 1


def rising(times: Sequence[int | None], usual: int) -> tuple[int, ...]:
    """Times of presentation, made to rise.

    Where all are told, but in another order, they are right as a set. Those that are not told, or told twice, lie at
    equal distance between their neighbours, and by the `usual` distance before the first and after the last.
    """
    known = sorted({tick for tick in times if tick is not None})
    if len(known) == len(times):
        return tuple(known)
    anchors: list[tuple[int, int]] = []
    for place, tick in enumerate(times):
        if tick is not None and (not anchors or tick - anchors[-1][1] >= place - anchors[-1][0]):
            anchors.append((place, tick))
    if not anchors:
        return tuple(place * usual for place in range(len(times)))
    steps = [(later - tick) // (after - place) for (place, tick), (after, later) in pairwise(anchors)]
    step = median_low(steps) if steps else usual
    (first, begin), (last, end) = anchors[0], anchors[-1]
    made = [begin - (first - place) * step for place in range(first)]
    for (place, tick), (after, later) in pairwise(anchors):
        made += [tick + (later - tick) * more // (after - place) for more in range(after - place)]
    made += [end + more * step for more in range(len(times) - last)]
    return tuple(made)
