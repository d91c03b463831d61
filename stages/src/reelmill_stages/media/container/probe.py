"""Probing of media files with PyAV: the first check of an input, which gives a bad file its reason."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream as AvAudio
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream as AvVideo

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.usage import Bound
from reelmill_stages.media.container.changes.program_map import refuse_moves
from reelmill_stages.media.container.demux import audio_streams, damage, decoded, opened, packets, video_stream
from reelmill_stages.metering.work_clock import CLOCK


@dataclass(frozen=True, slots=True)
class VideoStream:
    """A video stream.

    `width` and `height` are in pixels as stored; `fps` is the average; `start` is in ticks of `time_base` seconds.
    `index` is that of the stream in its container; `codec` and `pixel_format` are FFmpeg's names. `rotation` is the
    rotation that players apply, in degrees counter-clockwise; 0 for all but the main stream.
    """

    index: int
    codec: str
    width: int
    height: int
    rotation: int
    fps: Fraction
    pixel_format: str
    time_base: Fraction
    start: int


@dataclass(frozen=True, slots=True)
class AudioStream:
    """An audio stream.

    `rate` is in samples per second; `start` is in ticks of `time_base` seconds. `index` is that of the stream in its
    container, `codec` is FFmpeg's name, and `channels` is the number of channels.
    """

    index: int
    codec: str
    rate: int
    channels: int
    time_base: Fraction
    start: int


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of `probe`.

    `container` is FFmpeg's name of the format; `duration` is in seconds; `main` is the video stream that players show.
    `video` and `audio` are all streams of the two kinds, without cover pictures.
    """

    container: str
    duration: float
    main: VideoStream
    video: tuple[VideoStream, ...]
    audio: tuple[AudioStream, ...]


def probe(path: Path) -> Probe:
    """Probe a file; decodes one frame. Cover pictures and streams of unknown codecs are omitted.

    Raises ItemError with reason `missing`, `empty`, `corrupt`, `truncated`, `no_video` (also for audio files),
    `stream_moves` or `zero_duration`.
    """
    with opened(path) as container:
        main = video_stream(path, container)
        refuse_moves(path, container.format.name, main.id)
        picture = _first_picture(path, container, main)
        duration = _duration(container, main) or _duration_of_packets(path)
        if duration <= 0:
            raise ItemError(ItemReason.ZERO_DURATION, f"{path.name}: the video has no duration")
        films = [
            stream
            for stream in container.streams.video
            if stream.codec_context is not None and not stream.disposition & Disposition.attached_pic
        ]
        video = tuple(_video_facts(stream, picture.rotation if stream.index == main.index else 0) for stream in films)
        return Probe(
            container=container.format.name,
            duration=duration,
            main=next(stream for stream in video if stream.index == main.index),
            video=video,
            audio=tuple(_audio_facts(stream) for stream in audio_streams(path, container)),
        )


def _first_picture(path: Path, container: InputContainer, stream: AvVideo) -> VideoFrame:
    try:
        with CLOCK.on(Bound.DECODE):
            picture: VideoFrame | None = next(decoded(container, stream), None)
    except av.FFmpegError as error:
        raise damage(path, error) from error
    if picture is None:
        raise ItemError(ItemReason.ZERO_DURATION, f"{path.name}: the video stream contains no frame")
    return picture


def _video_facts(stream: AvVideo, rotation: int) -> VideoStream:
    return VideoStream(
        index=stream.index,
        codec=stream.codec_context.name,
        width=stream.codec_context.width,
        height=stream.codec_context.height,
        rotation=rotation,
        fps=stream.average_rate or Fraction(0),
        pixel_format=stream.codec_context.pix_fmt or "",
        time_base=stream.time_base or Fraction(1),
        start=stream.start_time or 0,
    )


def _audio_facts(stream: AvAudio) -> AudioStream:
    return AudioStream(
        index=stream.index,
        codec=stream.codec_context.name,
        rate=stream.codec_context.sample_rate,
        channels=stream.codec_context.channels,
        time_base=stream.time_base or Fraction(1),
        start=stream.start_time or 0,
    )


def _duration_of_packets(path: Path) -> float:
    """Return the duration of a video in seconds by its packets, for bare streams and live recordings."""
    with opened(path) as container:
        stream = video_stream(path, container)
        base = stream.time_base or Fraction(1)
        added, begins, ends = 0, [], []
        for packet in packets(path, container, stream):
            added += packet.duration or 0
            if packet.pts is not None:
                begins.append(packet.pts)
                ends.append(packet.pts + (packet.duration or 0))
    return float(max(added, max(ends, default=0) - min(begins, default=0)) * base)


def _duration(container: InputContainer, stream: AvVideo) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else 0.0
