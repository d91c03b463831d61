"""Streams of every codec and format that a GPU may decode, and what the CPU makes of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import footage
from prove_gpu.case import Case, failed, passed, skipped
from reelmill_stages.media.decoding.decode import Picture, decode
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline

PART = "streams"
SIZE = (320, 192)
X264 = ("-preset", "veryfast", "-g", "12", "-bf", "2")
X265 = ("-preset", "veryfast", "-x265-params", "keyint=12:bframes=3:log-level=0")
VP9 = ("-cpu-used", "8", "-g", "20", "-b:v", "300k")
AV1 = ("-preset", "10", "-g", "20")


@dataclass(frozen=True, slots=True)
class Stream:
    """How a stream is made. `exact`: the codec's standard says every bit of its pictures."""

    codec: str
    encoder: str
    options: tuple[str, ...]
    container: str = "mp4"
    pixel_format: str = "yuv420p"
    exact: bool = True

    @property
    def name(self) -> str:
        return f"{self.codec} {self.pixel_format}"

    def path(self) -> Path:
        """The file, which is made once per machine."""
        options = (*self.options, "-pix_fmt", self.pixel_format)
        return footage.video(size=SIZE, codec=self.encoder, options=options, audio=False, container=self.container)


STREAMS = (
    Stream("h264", "libx264", X264),
    Stream("h264", "libx264", X264, pixel_format="yuvj420p"),
    Stream("h264", "libx264", X264, pixel_format="yuv420p10le"),
    Stream("h264", "libx264", X264, pixel_format="yuv444p"),
    Stream("hevc", "libx265", X265),
    Stream("hevc", "libx265", X265, pixel_format="yuv420p10le"),
    Stream("hevc", "libx265", X265, pixel_format="yuv422p10le"),
    Stream("hevc", "libx265", X265, pixel_format="yuv444p"),
    Stream("vp8", "libvpx", ("-deadline", "realtime", "-cpu-used", "8", "-g", "20", "-b:v", "300k"), "webm"),
    Stream("vp9", "libvpx-vp9", VP9, "webm"),
    Stream("vp9", "libvpx-vp9", VP9, "webm", "yuv420p10le"),
    Stream("av1", "libsvtav1", AV1, "mkv"),
    Stream("av1", "libsvtav1", AV1, "mkv", "yuv420p10le"),
    Stream("mpeg4", "mpeg4", ("-bf", "2", "-g", "12", "-q:v", "3"), "avi", exact=False),
    Stream("mpeg2video", "mpeg2video", ("-bf", "2", "-g", "12", "-q:v", "3"), "ts", exact=False),
    Stream("mpeg1video", "mpeg1video", ("-bf", "2", "-g", "12", "-q:v", "3"), "mkv", exact=False),
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A stream's file, its timeline, and all pictures as the CPU decodes them."""

    path: Path
    timeline: Timeline
    pictures: tuple[Picture, ...]


@cache
def reference(stream: Stream) -> Reference:
    """Raises CalledProcessError if this machine's ffmpeg cannot encode the stream."""
    path = stream.path()
    timeline = read_timeline(path)
    return Reference(path, timeline, tuple(decode(path, timeline, range(len(timeline)))))


def unmade(error: subprocess.CalledProcessError) -> str:
    """Why a stream cannot be made."""
    said = (error.stderr or b"").decode(errors="replace").strip().splitlines()
    return f"ffmpeg cannot encode it: {said[0][:200] if said else f'exit status {error.returncode}'}"


def run(_: Path, _device: str) -> Iterator[Case]:
    """Each stream can be made, and the CPU decodes all of it."""
    for stream in STREAMS:
        try:
            found = reference(stream)
        except subprocess.CalledProcessError as error:
            yield skipped(PART, stream.name, unmade(error))
            continue
        shown = len(found.pictures)
        told = f"{found.timeline.codec} {found.timeline.form.pixel_format}"
        if told != stream.name or shown != len(found.timeline):
            yield failed(PART, stream.name, f"it is {told}, and {shown} of {len(found.timeline)} frames were decoded")
        else:
            yield passed(PART, stream.name, frames=shown, decoder=found.pictures[0].decoder)
