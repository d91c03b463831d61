"""Where decoding of sound must begin so that it is right at a given moment.

Decoders add each packet to the end of the one before it. In MP3, the data of a frame may also begin in the frames
before it (the bit reservoir, ISO/IEC 11172-3, 2.4.2.7), however long ago these were.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from reelmill_stages.media.timeline.seek import audio_from
from reelmill_stages.media_file import MediaFile

PRE_ROLL = Fraction(1, 10)
"""Seconds of sound before a moment that decoders need to warm up (80 ms for Opus)."""

_INDEPENDENT = ("flac", "alac", "pcm")
"""Beginnings of the names of codecs whose packets are decoded without those before them."""
_USUAL_RESERVOIR = Fraction(1)
"""Seconds; more than the data of a frame reaches back without a gap: 24 frames of 24 ms at 8 kbit/s."""
_MAX_FRAMES = 64
"""More MP3 frames than one is decoded from."""
_OVERLAPPING = 3
"""MP3 frames that the samples at a moment are made of: the frame there, and those that its filters remember."""

_HEADER = 4
_CHECKSUM = 2
_MPEG_1 = 3
_LAYER_3 = 1
_MONO = 3


class _Frame(NamedTuple):
    behind: int
    """Bytes of data before this frame's own with which its data begins."""
    data: int
    """Bytes of data in this frame."""


def is_independent(stream: AudioStream) -> bool:
    """Whether each packet of a stream is decoded without those before it."""
    return stream.codec_context.codec.canonical_name.startswith(_INDEPENDENT)


def sound_start(path: MediaFile, container: InputContainer, stream: AudioStream, moment: Fraction) -> Fraction:
    """Return the second from which a stream must be decoded for its sound to be right from second `moment` on.

    Both are on the container's clock. For MP3, packets are read, and the container's position changes. Raises the
    errors of `audio_from`.
    """
    warm = moment - PRE_ROLL
    if stream.codec_context.codec.canonical_name != "mp3":
        return warm
    time_base = stream.time_base or Fraction(1, stream.codec_context.sample_rate)
    first = stream.start_time or 0
    for begin in (max(first, int((moment - _USUAL_RESERVOIR) / time_base)), first):
        packets = _packets_until(path, container, stream, begin, moment)
        needed = _first_needed([memoryview(packet) for packet in packets])
        if needed is not None:
            pts = packets[needed].pts if packets else None
            return warm if pts is None else min(warm, pts * time_base)
    return min(warm, first * time_base)


def _packets_until(
    path: MediaFile, container: InputContainer, stream: AudioStream, begin: int, moment: Fraction
) -> Sequence[Packet[Any]]:
    """Return the last packets from tick `begin` to the one that is heard at second `moment`, or after it."""
    found: deque[Packet[Any]] = deque(maxlen=_MAX_FRAMES)
    for packet in audio_from(path, container, stream, begin):
        found.append(packet)
        if packet.pts is not None and (packet.pts + (packet.duration or 0)) * packet.time_base > moment:
            break
    return found


def _first_needed(frames: Sequence[memoryview]) -> int | None:
    """Return the number of the first MP3 frame that the last one is decoded from; None if it is before the frames."""
    first = max(0, len(frames) - _OVERLAPPING)
    for wanted in range(first, len(frames)):
        needed = _first_with_data(frames, wanted)
        if needed is None:
            return None
        first = min(first, needed)
    return first


def _first_with_data(frames: Sequence[memoryview], wanted: int) -> int | None:
    """Return the number of the first frame that contains data of frame `wanted`; None if it is before the frames."""
    read = _read_frame(frames[wanted])
    missing = read.behind if read else 0
    while missing > 0 and wanted > 0:
        wanted -= 1
        before = _read_frame(frames[wanted])
        missing -= before.data if before else 0
    return wanted if missing <= 0 else None


def _read_frame(frame: memoryview) -> _Frame | None:
    """Read the header of a frame; None for other bytes than a frame of layer 3."""
    if len(frame) <= _HEADER + _CHECKSUM + 1 or frame[0] != 0xFF or (frame[1] >> 1 & 3) != _LAYER_3:
        return None
    mpeg_1, mono = frame[1] >> 3 & 3 == _MPEG_1, frame[3] >> 6 == _MONO
    side = _HEADER + (0 if frame[1] & 1 else _CHECKSUM)
    length = (17 if mono else 32) if mpeg_1 else (9 if mono else 17)
    behind = frame[side] << 1 | frame[side + 1] >> 7 if mpeg_1 else frame[side]
    return _Frame(behind, max(0, len(frame) - side - length))
