"""Packets of a stream from a given one on, wherever the container's seek lands.

Seeking is a hint: an mp4 lands on the packet, a transport stream somewhere near it. So a packet is recognised by its
time, and the search begins earlier, in the end at the start of the file, until it is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard
from av.video.stream import VideoStream

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.container import damage

_EARLIER = (0, 2, 10, None)
"""Seconds before the wanted moment to begin at, one after the other; None is the start of the file."""


def video_from(path: Path, container: InputContainer, stream: VideoStream, pts: int) -> Iterator[Packet[VideoStream]]:
    """Packets in decode order from the key packet with this pts on.

    Raises ItemError(`corrupt`) when it is not found again.
    """
    for earlier in _EARLIER:
        packets = _packets(path, container, stream, pts, earlier)
        for packet in packets:
            if packet.pts == pts and packet.is_keyframe:
                yield packet
                yield from packets
                return
            if packet.is_keyframe and packet.pts is not None and packet.pts > pts:
                break
    raise ItemError(ItemReason.CORRUPT, f"{path.name}: the key frame at tick {pts} is listed but cannot be read")


def audio_from(path: Path, container: InputContainer, stream: AudioStream, pts: int) -> Iterator[Packet[AudioStream]]:
    """Packets from the one that begins at or before this pts on, or all where the sound begins later."""
    for earlier in _EARLIER:
        packets = _packets(path, container, stream, pts, earlier)
        last = None
        for packet in packets:
            if packet.pts is not None and packet.pts > pts:
                if last is not None or earlier is None:
                    yield from chain([last] if last else [], [packet], packets)
                    return
                break
            last = packet
        else:
            if last is not None:
                yield last
                return


def _packets(
    path: Path, container: InputContainer, stream: Any, pts: int, earlier: int | None
) -> Iterator[Packet[Any]]:
    for other in container.streams:
        other.discard = Discard.default if other.index == stream.index else Discard.all
    first = stream.start_time or 0
    begin = first if earlier is None else pts - round(earlier / stream.time_base)
    try:
        _seek(container, stream, begin, first)
        for packet in container.demux(stream):
            if packet.size:
                yield packet
    except av.FFmpegError as error:
        raise damage(path, error) from error


def _seek(container: InputContainer, stream: Any, begin: int, first: int) -> None:
    """Seek to a tick; some containers refuse what lies before the first."""
    try:
        container.seek(begin, stream=stream)
    except av.FFmpegError:
        if begin >= first:
            raise
        container.seek(first, stream=stream)
