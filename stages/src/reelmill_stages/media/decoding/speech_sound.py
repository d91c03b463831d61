"""The sound of a video for speech models: one channel, 16,000 samples per second, synchronous with the pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from math import ceil
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from reelmill_stages.media.container.changes.program_map import refuse_moves
from reelmill_stages.media.container.demux import audio_tracks, opened
from reelmill_stages.media.container.losses.ogg_pages import PassedLosses
from reelmill_stages.media.decoding.sound_start import sound_start
from reelmill_stages.media.nameless_channels import averaged, is_nameless
from reelmill_stages.media.timeline.seek import audio_from
from reelmill_stages.media_file import MediaFile
from reelmill_stages.metering.work_clock import decoding

RATE = 16_000
"""Samples per second."""
_JUMP = RATE // 20
"""Samples. If a frame begins farther than this from the end of the frames before it, there is a gap, or the clock of
the sound does not match its number of samples."""
_PRE_ROLL = Fraction(1, 5)
"""Seconds before a span from which sound is resampled."""

_BLOCK = 600 * RATE
"""Samples; a multiple of the step of voice models. Parts are separated only by silence of at least this length."""

Samples = np.ndarray[Any, np.dtype[np.int16]]


@dataclass(frozen=True, slots=True)
class SoundPart:
    """Contiguous samples, from sample `at` of the span on; short gaps are filled with silence."""

    at: int
    samples: Samples


@dataclass(frozen=True, slots=True)
class SpeechSound:
    """The sound of a span of `length` samples.

    `parts` are in order, with silence between them. `tracks` is the number of audio tracks in the file. `damaged`
    counts packets that could not be decoded and places where packets are lost.
    """

    parts: tuple[SoundPart, ...]
    length: int
    tracks: int
    damaged: int


def speech_sound(path: MediaFile, start: Fraction, end: Fraction, track: int = 0) -> SpeechSound | None:
    """Return the sound between two times in seconds on the container's clock; None if there is no such track.

    Raises ItemError if the file cannot be read.
    """
    with opened(path, sound=True) as container:
        tracks = audio_tracks(path, container)
        if track >= len(tracks) or tracks[track].codec_context is None:
            return None
        stream = tracks[track]
        refuse_moves(path, container.format.name, stream.id)
        length = max(round((end - start) * RATE), 0)
        sound = _Blocks(length)
        time_base = stream.time_base or Fraction(1, RATE)
        decoded = _Frames(stream, PassedLosses(path, container.format.name, stream.id))
        begin, until = start - _PRE_ROLL, ceil(end / time_base)
        first = min(begin, sound_start(path, container, stream, start))
        packets = audio_from(path, container, stream, int(first / time_base), until)
        for at, piece in _resampled_blocks(decoded.of(packets, begin, end), start):
            sound.put(at, piece)
        return SpeechSound(sound.parts(), length, len(tracks), decoded.damaged)


class _Blocks:
    """Samples of a span in blocks; blocks without sound use no memory, so spans may be long."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._blocks: dict[int, Samples] = {}

    def put(self, at: int, piece: Samples) -> None:
        """Store samples that begin at sample `at`; samples outside the span are dropped."""
        first, last = max(at, 0), min(at + len(piece), self._length)
        while first < last:
            number, offset = divmod(first, _BLOCK)
            if number not in self._blocks:
                self._blocks[number] = np.zeros(min(_BLOCK, self._length - number * _BLOCK), np.int16)
            until = min(last, (number + 1) * _BLOCK)
            self._blocks[number][offset : offset + until - first] = piece[first - at : until - at]
            first = until

    def parts(self) -> tuple[SoundPart, ...]:
        """Return the stored samples, joined where blocks are adjacent. The blocks cannot be used afterwards."""
        made: list[SoundPart] = []
        for number in sorted(self._blocks):
            if number - 1 in self._blocks:
                continue
            end = next(after for after in count(number) if after not in self._blocks)
            made.append(SoundPart(number * _BLOCK, np.concatenate([self._blocks[each] for each in range(number, end)])))
        self._blocks.clear()
        return tuple(made)


class _Frames:
    """Decoded frames of a stream, without damaged ones."""

    def __init__(self, stream: Any, losses: PassedLosses) -> None:
        self._stream = stream
        self._losses = losses
        self.damaged = 0

    def of(self, packets: Iterator[Any], begin: Fraction, end: Fraction) -> Iterator[AudioFrame]:
        """Decode packets; yield the frames that end after second `begin`, up to second `end`."""
        for packet in packets:
            if packet.pts is not None and packet.pts * packet.time_base >= end:
                break
            self.damaged += self._losses.before(packet.pos)
            for frame in self._decoded(packet):
                if frame.pts is None or _end_of(frame) > begin:
                    yield frame
        else:
            self.damaged += self._losses.after_last_packet()
        yield from self._decoded(None)

    def _decoded(self, packet: Any) -> Iterator[AudioFrame]:
        try:
            for frame in decoding(self._stream.decode(packet) if packet is None else packet.decode()):
                if packet is None:  # frames that a decoder held back have times in ticks of the stream
                    frame.time_base = self._stream.time_base
                yield frame
        except av.FFmpegError:
            self.damaged += 1


def _end_of(frame: AudioFrame) -> Fraction:
    return (frame.pts or 0) * (frame.time_base or 0) + Fraction(frame.samples, frame.sample_rate or 1)


def _resampled_blocks(frames: Iterator[AudioFrame], start: Fraction) -> Iterator[tuple[int, Samples]]:
    """Yield (index of the first sample, samples); contiguous frames are resampled as one."""
    resampler: AudioResampler | None = None
    at, form, ends = 0, None, Fraction(0)
    for decoded in frames:
        frame = averaged(decoded) if is_nameless(decoded.layout) else decoded
        if frame.pts is None or frame.time_base is None or not frame.sample_rate:
            continue
        begins = frame.pts * frame.time_base - start
        now = (frame.format.name, frame.layout.name, frame.sample_rate)
        if resampler is None or now != form or abs(begins - ends) * RATE > _JUMP:
            if resampler is not None:
                for piece in _resampled_samples(resampler, None):
                    yield at, piece
                    at += len(piece)
            resampler, form, at, ends = AudioResampler("s16", "mono", RATE), now, round(begins * RATE), begins
        ends += Fraction(frame.samples, frame.sample_rate)
        frame.pts = None
        for piece in _resampled_samples(resampler, frame):
            yield at, piece
            at += len(piece)
    if resampler is not None:
        for piece in _resampled_samples(resampler, None):
            yield at, piece
            at += len(piece)


def _resampled_samples(resampler: AudioResampler, frame: AudioFrame | None) -> Iterator[Samples]:
    return (made.to_ndarray()[0] for made in resampler.resample(frame))
