"""The sound of a clip as samples, from the first audio stream of its file, which the `clip` stage keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from reelmill.contract.process.exhaustion import exhausted
from reelmill.contract.records.usage import Bound
from reelmill_stages.media.container.changes.program_map import refuse_moves
from reelmill_stages.media.container.demux import audio_streams, damage, demuxed, opened
from reelmill_stages.media.container.losses.ogg_pages import PassedLosses
from reelmill_stages.media.decoding.sound_start import PRE_ROLL, sound_start
from reelmill_stages.media.timeline.seek import audio_from, expect_sound
from reelmill_stages.media_file import MediaFile
from reelmill_stages.metering.work_clock import CLOCK

Samples = np.ndarray[Any, np.dtype[np.float32]]
"""(samples, channels), float32; full scale is 1."""


@dataclass(frozen=True, slots=True)
class SampleBlock:
    """Contiguous samples. `rate` and `layout` are the same for a whole clip."""

    samples: Samples
    rate: int
    layout: str


class AudioTrack:
    """The first audio stream of an open file. Raises ItemError(`stream_moves`) if it continues in another stream."""

    def __init__(self, path: MediaFile, container: InputContainer) -> None:
        self._path = path
        self._container = container
        self._streams = audio_streams(path, container)
        self.streams = len(self._streams)
        """Number of audio streams of the file."""
        for stream in self._streams[:1]:
            refuse_moves(path, container.format.name, stream.id)
        self.damaged = 0
        """Number of packets that could not be decoded plus places where packets are lost."""

    @property
    def index(self) -> int:
        """Index of the stream in its container."""
        return self._stream.index

    @property
    def _stream(self) -> AudioStream:
        return self._streams[0]

    def heard(self, begin: Fraction | None = None, end: Fraction | None = None) -> Iterator[SampleBlock]:
        """Yield the samples from `begin` to `end`, in seconds of the container; all samples by default.

        Packets that cannot be decoded are skipped and counted. Raises ItemError if the file cannot be read.
        """
        first: tuple[int, str] | None = None
        resampler = _Resampler()
        position: Fraction | None = None
        for frame in self._frames(begin, end):
            first = first or (frame.sample_rate, frame.layout.name)
            rate, layout = first
            at = frame.pts * frame.time_base if frame.pts is not None and frame.time_base else position
            if end is not None and at is not None and at >= end:
                return
            samples = resampler.packed(frame, rate, layout)
            position = None if at is None else at + Fraction(len(samples), rate)
            if at is not None:
                until = len(samples) if end is None else max(0, round((end - at) * rate))
                since = 0 if begin is None else max(0, round((begin - at) * rate))
                samples = samples[since:until]
            if len(samples):
                yield SampleBlock(samples, rate, layout)

    def expect(self, spans: Iterable[tuple[Fraction, Fraction]]) -> None:
        """Announce the next spans to read, in order. Raises WholeFileNeeded if they are most of a remote file."""
        if self._stream.time_base:
            expect_sound(self._path, self._stream, [self._ticks(begin - PRE_ROLL, end) for begin, end in spans])

    def _ticks(self, begin: Fraction, end: Fraction) -> tuple[int, int]:
        base = self._stream.time_base or Fraction(1)
        return int(begin / base), ceil(end / base)

    def _frames(self, begin: Fraction | None, end: Fraction | None) -> Iterator[AudioFrame]:
        losses = PassedLosses(self._path, self._container.format.name, self._stream.id)
        for packet in self._packets(begin, end):
            self.damaged += losses.before(packet.pos)
            yield from self._decoded(packet)
        self.damaged += losses.after_last_packet()
        yield from self._decoded(None)

    def _packets(self, begin: Fraction | None, end: Fraction | None) -> Iterator[Packet[AudioStream]]:
        stream = self._stream
        if begin is not None and stream.time_base:
            start = sound_start(self._path, self._container, stream, begin)
            first, until = self._ticks(start, begin if end is None else end)
            yield from audio_from(self._path, self._container, stream, first, None if end is None else until)
            return
        try:
            yield from demuxed(self._container, stream)
        except av.FFmpegError as error:
            raise damage(self._path, error) from error

    def _decoded(self, packet: Packet[AudioStream] | None) -> list[AudioFrame]:
        try:
            with CLOCK.on(Bound.DECODE):
                return list(self._stream.codec_context.decode(packet))
        except av.FFmpegError as error:
            if exhausted(error):
                raise damage(self._path, error) from error
            self.damaged += 1
            return []


class _Resampler:
    """Converts frames to packed float32 of one rate and layout; frames that match stay unchanged."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int], av.AudioResampler] = {}

    def packed(self, frame: AudioFrame, rate: int, layout: str) -> Samples:
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind not in self._known:
            self._known[kind] = av.AudioResampler(format="flt", layout=layout, rate=rate)
        frame.pts = None
        found = [each.to_ndarray() for each in self._known[kind].resample(frame)]
        channels = av.AudioLayout(layout).nb_channels
        joined = np.concatenate([each.reshape(-1, channels) for each in found]) if found else np.empty((0, channels))
        return cast(Samples, joined.astype(np.float32, copy=False))


@contextmanager
def track(path: MediaFile) -> Iterator[AudioTrack | None]:
    """Open the first audio stream; None for a file without one. Raises ItemError like `opened`."""
    with opened(path, sound=True) as container:
        yield AudioTrack(path, container) if audio_streams(path, container) else None
