"""Full decode of a stream, from the first packet to the last, for streams whose packets do not identify the frames.

It is independent of the reason. All other methods must agree with this decode.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low

import av
from av.packet import Packet
from av.video.stream import VideoStream

from reelmill.contract.errors import ItemError
from reelmill.contract.records.usage import Bound
from reelmill_stages.media.container.demux import damage, opened, packets, video_stream
from reelmill_stages.media_file import MediaFile, local_path
from reelmill_stages.metering.work_clock import CLOCK


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as output by a decoder."""

    pts: int | None
    """Ticks."""
    key: bool
    fed: int
    """The packet after which the frame was output."""
    duration: int
    """Ticks; 0 if unknown."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """The decoded frames of a stream, and the packets that could not be decoded."""

    frames: tuple[Frame, ...]
    errors: Mapping[int, ItemError]
    usual: int
    """Ticks between two frames at the stream's frame rate."""
    varies: bool
    """Frames differ in size, format or orientation."""


def decode_all(path: MediaFile, stream: int, *, anew: Collection[int] = ()) -> Decoding:
    """Decode a whole stream; the decoder is flushed at each packet of `anew`.

    Raises ItemError as `container.opened` does, and WholeFileNeeded for a remote file.
    """
    path = local_path(path, "its frames are counted over a full decode")
    frames: list[Frame] = []
    errors: dict[int, ItemError] = {}
    forms: set[tuple[int, int, str, int]] = set()
    with opened(path) as container:
        video = video_stream(path, container, stream)
        codec = video.codec_context
        codec.thread_count = 1
        number = -1

        def take(packet: Packet[VideoStream] | None) -> None:
            try:
                with CLOCK.on(Bound.DECODE):
                    out = codec.decode(packet)
            except av.FFmpegError as error:
                meaning = damage(path, error)
                if not isinstance(meaning, ItemError):
                    raise meaning from error
                errors[number] = meaning
                return
            forms.update((each.width, each.height, each.format.name, each.rotation) for each in out)
            frames.extend(Frame(each.pts, bool(each.key_frame), number, each.duration or 0) for each in out)

        for after, packet in enumerate(packets(path, container, video)):
            if after in anew:
                take(None)
                codec.flush_buffers()
            number = after
            take(packet)
        take(None)
        usual = _frame_ticks(video)
    return Decoding(tuple(frames), errors, usual, varies=len(forms) > 1)


def _frame_ticks(stream: VideoStream) -> int:
    rate = stream.average_rate or stream.guessed_rate
    return max(1, round(1 / (rate * stream.time_base))) if rate and stream.time_base else 1


def rising(times: Sequence[int | None], usual: int, gaps: Sequence[int] = ()) -> tuple[int, ...]:
    """Return presentation times in ascending order.

    If all times are known but out of order, they are correct as a set. Missing and duplicate times are spaced equally
    between their neighbours, and by `usual` before the first and after the last. Between neighbours that include one of
    `gaps` (frames before which others may be lost), the spacing is no larger than elsewhere.
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
    lost = sorted(gaps)
    made = [begin - (first - place) * step for place in range(first)]
    for (place, tick), (after, later) in pairwise(anchors):
        most = step if bisect_right(lost, place) < bisect_right(lost, after) else later - tick
        made += [tick + min((later - tick) * more // (after - place), most * more) for more in range(after - place)]
    made += [end + more * step for more in range(len(times) - last)]
    return tuple(made)
