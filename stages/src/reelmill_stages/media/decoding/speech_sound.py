"""The sound of a video as speech models want it: one channel, 16,000 samples per second, in step with the pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from reelmill_stages.media.container.demux import opened
from reelmill_stages.media.timeline.seek import audio_from
from reelmill_stages.media_file import MediaFile
from reelmill_stages.metering.work_clock import decoding

RATE = 16_000
"""Samples per second."""
_JUMP = RATE // 20
"""Samples. A larger difference between where a frame should begin and where the one before ended is a gap."""
_PRE_ROLL = Fraction(1, 5)
"""Seconds before a span from which decoding begins."""

Samples = np.ndarray[Any, np.dtype[np.int16]]


@dataclass(frozen=True, slots=True)
class SpeechSound:
    """`samples` begin at the start of the span; gaps are silent. `tracks` is the number of sound tracks in the file and
    `damaged` that of packets that could not be decoded.
    """

    samples: Samples
    tracks: int
    damaged: int


def speech_sound(path: MediaFile, start: Fraction, end: Fraction, track: int = 0) -> SpeechSound | None:
    """The sound between two times in seconds, as the container tells them; None if there is no such track.

    Raises ItemError if the file cannot be read.
    """
    with opened(path, sound=True) as container:
        tracks = container.streams.audio
        if track >= len(tracks) or tracks[track].codec_context is None:
            return None
        stream = tracks[track]
        samples = np.zeros(max(round((end - start) * RATE), 0), np.int16)
        time_base = stream.time_base or Fraction(1, RATE)
        decoded = _Frames(stream)
        begin, until = int((start - _PRE_ROLL) / time_base), ceil(end / time_base)
        packets = audio_from(path, container, stream, begin, until)
        for at, piece in _placed(decoded.of(packets, end), start):
            first, last = max(at, 0), min(at + len(piece), len(samples))
            if first < last:
                samples[first:last] = piece[first - at : last - at]
        return SpeechSound(samples, len(tracks), decoded.damaged)


class _Frames:
    """Decoded frames of a stream, without those that are damaged."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.damaged = 0

    def of(self, packets: Iterator[Any], end: Fraction) -> Iterator[AudioFrame]:
        for packet in packets:
            if packet.pts is not None and packet.pts * packet.time_base >= end:
                break
            yield from self._decoded(packet)
        yield from self._decoded(None)

    def _decoded(self, packet: Any) -> Iterator[AudioFrame]:
        try:
            for frame in decoding(self._stream.decode(packet) if packet is None else packet.decode()):
                if packet is None:  # frames that a decoder held back tell their time in ticks of the stream
                    frame.time_base = self._stream.time_base
                yield frame
        except av.FFmpegError:
            self.damaged += 1


def _placed(frames: Iterator[AudioFrame], start: Fraction) -> Iterator[tuple[int, Samples]]:
    """(index of the first sample, samples); frames that follow each other are resampled as one."""
    resampler: AudioResampler | None = None
    at, form, ends = 0, None, Fraction(0)
    for frame in frames:
        if frame.pts is None or frame.time_base is None or not frame.sample_rate:
            continue
        begins = frame.pts * frame.time_base - start
        now = (frame.format.name, frame.layout.name, frame.sample_rate)
        if resampler is None or now != form or abs(begins - ends) * RATE > _JUMP:
            if resampler is not None:
                for piece in _pieces(resampler, None):
                    yield at, piece
                    at += len(piece)
            resampler, form, at = AudioResampler("s16", "mono", RATE), now, round(begins * RATE)
        ends = begins + Fraction(frame.samples, frame.sample_rate)
        frame.pts = None
        for piece in _pieces(resampler, frame):
            yield at, piece
            at += len(piece)
    if resampler is not None:
        for piece in _pieces(resampler, None):
            yield at, piece
            at += len(piece)


def _pieces(resampler: AudioResampler, frame: AudioFrame | None) -> Iterator[Samples]:
    return (made.to_ndarray()[0] for made in resampler.resample(frame))
