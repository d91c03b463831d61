"""The sound of a clip: which packets a copied one holds, when each of them sounds in it, and whether it is damaged."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.container.demux import damage, opened
from reelmill_stages.media.cutting.cut import Cut
from reelmill_stages.media.timeline.seek import audio_from
from reelmill_stages.media_file import MediaFile
from reelmill_stages.metering.work_clock import decoding

CODECS = frozenset({"aac", "mp3", "mp3float", "mp2", "ac3", "eac3", "opus", "flac", "alac", "vorbis"})
"""What an mp4 holds as it is."""

_PRE_ROLL = Fraction(1, 10)
"""Seconds of sound before a clip that decoders need to warm up (80 ms for Opus); the edit list hides them."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Packets with new times in samples of `rate`, 0 at the first visible frame of the clip."""

    rate: int
    packets: tuple[Packet[Any], ...]


def sound_of(path: MediaFile, container: InputContainer, stream: AudioStream, cut: Cut) -> Sound:
    """The audio packets of a cut, in memory. Empty where the source is silent there."""
    rate = stream.codec_context.sample_rate
    time_base = stream.time_base or Fraction(1, rate)
    start, end = cut.start * cut.time_base, cut.end * cut.time_base
    origin, stop = round(start * rate), ceil(end / time_base)
    grid = Fraction(1, rate)
    packets = []
    clock = _Clock(time_base, rate, stream.codec_context.frame_size or 0)
    for packet in audio_from(path, container, stream, int((start - _PRE_ROLL) / time_base)):
        if packet.pts is None:
            continue
        if packet.pts >= stop:
            break
        at, samples = clock.place(packet.pts, packet.duration or 0)
        packet.pts = packet.dts = at - origin
        packet.duration = samples
        packet.time_base = grid
        packets.append(packet)
    return Sound(rate, tuple(packets))


def refuse_damaged_sound(path: MediaFile, index: int, cut: Cut) -> None:
    """Raises ItemError(`corrupt`) where sound of a cut, of the stream with this index, cannot be decoded."""
    start, end = cut.start * cut.time_base, cut.end * cut.time_base
    with opened(path, sound=True) as container:
        stream = next(each for each in container.streams.audio if each.index == index)
        time_base = stream.time_base or Fraction(1, stream.codec_context.sample_rate)
        begin, stop = int((start - _PRE_ROLL) / time_base), ceil(end / time_base)
        for packet in audio_from(path, container, stream, begin, stop):
            if packet.pts is not None and packet.pts >= stop:
                break
            try:
                for _ in decoding(packet.decode()):
                    pass
            except av.FFmpegError as error:
                meaning = damage(path, error)
                if not isinstance(meaning, ItemError):
                    raise meaning from error
                if packet.pts is not None and (packet.pts + (packet.duration or 0)) * time_base <= start:
                    continue
                at = "" if packet.pts is None else f" at {float(packet.pts * time_base):.3f} s"
                raise ItemError(ItemReason.CORRUPT, f"{path.name}: the packet of sound{at} is damaged") from error


class _Clock:
    """Places packets on the grid of samples.

    Containers that count in milliseconds round the time of every packet; as long as a packet is where the samples
    before it say, within such a rounding, the samples are right.
    """

    def __init__(self, time_base: Fraction, rate: int, frame_size: int) -> None:
        self.up, self.down = (time_base * rate).as_integer_ratio()
        self.frame_size = frame_size
        self.rounding = 2 * self.up // self.down
        self.next: int | None = None

    def place(self, pts: int, duration: int) -> tuple[int, int]:
        """Where a packet begins and how long it is, in samples."""
        samples = self.frame_size or max(1, self._samples(duration))
        at = self._samples(pts)
        if self.next is not None and (at < self.next or at - self.next <= self.rounding):
            at = self.next
        self.next = at + samples
        return at, samples

    def _samples(self, ticks: int) -> int:
        return (2 * ticks * self.up + self.down) // (2 * self.down)
