"""The sound of a clip: packets to copy, their times in the clip, and detection of damage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
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
from reelmill_stages.media.decoding.sound_start import is_independent, sound_start
from reelmill_stages.media.timeline.seek import audio_from
from reelmill_stages.media_file import MediaFile
from reelmill_stages.metering.work_clock import decoding

CODECS = frozenset({"aac", "mp3", "mp3float", "mp2", "ac3", "eac3", "opus", "flac", "alac"})
"""Codecs that an mp4 can contain unchanged. Vorbis is excluded: players hide only whole packets, so sound is early."""

_GAP = "its sound has a gap where the clip begins"
_MIN_GAP = Fraction(1, 200)
"""Seconds; a shorter gap before the next packet is a rounding difference."""
_OVERLAP = Fraction(1, 4)
"""Seconds by which packets with the time of the one before may be late: some encoders emit several packets at once."""
_ADTS_SETTINGS = (0xFD, 0xC0)
"""Bits of the third and fourth byte of an AAC packet in a transport stream: profile, rate, channels."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Packets with new times in samples of `rate`, 0 at the first visible frame of the clip."""

    rate: int
    packets: tuple[Packet[Any], ...]


def sound_of(path: MediaFile, container: InputContainer, stream: AudioStream, cut: Cut) -> Sound:
    """Return the audio packets of a cut, in memory. Empty if the source is silent there.

    Raises ItemError(`unverified`) if copied packets would sound different, because their settings or clock change, or
    because the clip begins in a gap and the packets after it are decoded from those before it.
    """
    rate = stream.codec_context.sample_rate
    time_base = stream.time_base or Fraction(1, rate)
    start, end = cut.start * cut.time_base, cut.end * cut.time_base
    origin, stop = round(start * rate), ceil(end / time_base)
    grid = Fraction(1, rate)
    packets: list[Packet[Any]] = []
    clock = _Clock(time_base, rate, stream.codec_context.frame_size or 0, _longest_packet(stream))
    settings = _Settings(stream)
    for packet in _packets(path, container, stream, start, settings):
        if packet.pts is None:
            continue
        if packet.pts >= stop:
            break
        settings.check(packet)
        before = clock.next
        at, samples = clock.place(packet.pts, packet.duration or 0)
        if before is not None and before <= origin and at - before > _MIN_GAP * rate:
            # A player hides the number of samples in the edit list, and does not count a gap.
            if is_independent(stream):
                packets.clear()
            elif at > origin:
                raise ItemError(ItemReason.UNVERIFIED, _GAP)
            for hidden in packets:
                hidden.pts = hidden.dts = (hidden.pts or 0) + at - before
        packet.pts = packet.dts = at - origin
        packet.duration = samples
        packet.time_base = grid
        packets.append(packet)
    return Sound(rate, tuple(packets))


def _packets(
    path: MediaFile, container: InputContainer, stream: AudioStream, start: Fraction, settings: _Settings
) -> Iterator[Packet[AudioStream]]:
    """Yield the packets from which the sound at second `start` is decoded, and all after them.

    Raises ItemError(`unverified`) if the settings change before.
    """
    time_base = stream.time_base or Fraction(1, stream.codec_context.sample_rate)
    begin = int(sound_start(path, container, stream, start) / time_base)
    found = audio_from(path, container, stream, begin)
    early: list[Packet[AudioStream]] = []
    for packet in found:
        if packet.pts is not None and packet.pts <= begin:
            settings.check(packet)
            early.clear()
        early.append(packet)
        if packet.pts is not None and packet.pts > begin:
            break
    yield from chain(early, found)


def refuse_damaged_sound(path: MediaFile, index: int, cut: Cut) -> None:
    """Raise ItemError(`corrupt`) if sound of a cut, in the stream with this index, cannot be decoded."""
    start, end = cut.start * cut.time_base, cut.end * cut.time_base
    with opened(path, sound=True) as container:
        stream = next(each for each in container.streams.audio if each.index == index)
        time_base = stream.time_base or Fraction(1, stream.codec_context.sample_rate)
        begin = int(sound_start(path, container, stream, start) / time_base)
        stop = ceil(end / time_base)
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


def _longest_packet(stream: AudioStream) -> int:
    """Return the maximum number of samples in a packet, for codecs with packets of different lengths; 0 if unknown.

    It limits the duration of the packet before a gap, which in mp4 includes the gap.
    """
    coded = stream.codec_context
    header = coded.extradata or b""
    if coded.name == "flac":
        return int.from_bytes(header[2:4])
    if coded.name == "alac":
        return int.from_bytes(header[12:16])
    return {"ac3": 1536, "eac3": 1536, "opus": 5760}.get(coded.name, 0)


class _Settings:
    """Decoder settings, which are set once at the beginning of the clip."""

    def __init__(self, stream: AudioStream) -> None:
        coded = stream.codec_context
        self._header = coded.extradata or b""
        self._is_in_packets = coded.name == "aac" and not self._header
        self._first: bytes | None = None

    def check(self, packet: Packet[Any]) -> None:
        """Check the settings of a packet.

        Raises ItemError(`unverified`) if they differ from those of the first packet or the header.
        """
        new = packet.get_sidedata("new_extradata") if packet.has_sidedata("new_extradata") else None
        changed = new is not None and bytes(new) != self._header
        own = b""
        if self._is_in_packets:
            head = memoryview(packet)
            own = bytes((head[2] & _ADTS_SETTINGS[0], head[3] & _ADTS_SETTINGS[1])) if len(head) > 3 else b""
        if changed or self._first not in (None, own):
            raise ItemError(ItemReason.UNVERIFIED, "the settings of its sound change")
        self._first = own


class _Clock:
    """Places packets on the grid of samples.

    Containers with millisecond clocks round the time of every packet. While a packet is within such a rounding of the
    end of the samples before it, the sample count is exact. Sound recorded with another clock than the pictures drifts,
    so its packets overlap or leave gaps; a packet is then moved by at most half of its length. Packets with the time of
    the one before follow each other and are late by at most `_OVERLAP`.
    """

    def __init__(self, time_base: Fraction, rate: int, frame_size: int, longest: int) -> None:
        self.up, self.down = (time_base * rate).as_integer_ratio()
        self.frame_size = frame_size
        self.longest = longest
        self.rounding = 2 * self.up // self.down
        self.most = _OVERLAP * rate
        self.given: int | None = None
        self.last = 0
        self.next: int | None = None

    def place(self, pts: int, duration: int) -> tuple[int, int]:
        """Return the begin and length of a packet in samples.

        Raises ItemError(`unverified`) if it begins before the packet before it, or is late by more than `_OVERLAP`.
        """
        stated_length = self._to_samples(duration)
        samples = self.frame_size or max(1, min(stated_length, self.longest or stated_length))
        if not self.frame_size and 0 < self.longest - samples <= self.rounding:
            samples = self.longest
        given = at = self._to_samples(pts)
        if self.next is not None and self.given is not None:
            late = self.next - at
            repeated = abs(at - self.given) <= self.rounding and late <= self.most
            if repeated or -self.rounding <= late <= max(self.rounding, samples // 2):
                at = self.next
            elif at <= self.last:
                raise ItemError(ItemReason.UNVERIFIED, "packets of its sound overlap")
        self.given, self.last, self.next = given, at, at + samples
        return at, samples

    def _to_samples(self, ticks: int) -> int:
        return (2 * ticks * self.up + self.down) // (2 * self.down)
