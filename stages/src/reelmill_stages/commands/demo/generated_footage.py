"""Short videos that ffmpeg draws: test cards, fractals and cellular automata, each with a tone, and their captions.

Everybody with the packages can make them, so a demo needs no download and no footage of other people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from reelmill_stages.media import ffmpeg

CORRUPT = "corrupt.mp4"
"""The first half of another video's bytes."""
SECONDS = 6
_TIMEOUT = 120.0
"""Seconds for one video; a busy machine takes two or three."""


@dataclass(frozen=True, slots=True)
class CaptionedSpan:
    """A captioned part of a video, in seconds."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class GeneratedVideo:
    """A source of ffmpeg (https://ffmpeg.org/ffmpeg-filters.html#Video-Sources), a tone in Hz, and captions."""

    source: str
    tone: int
    spans: Sequence[CaptionedSpan]


VIDEOS: Mapping[str, GeneratedVideo] = MappingProxyType({
    "testcard.mp4": GeneratedVideo(
        "testsrc2=size=320x200:rate=25",
        440,
        (
            CaptionedSpan(0.0, 2.0, "coloured shapes move across a test card"),
            CaptionedSpan(2.0, 4.0, "a counter runs in the middle of a test card"),
            CaptionedSpan(4.0, 6.0, "a test card with moving bars"),
        ),
    ),
    "fractal.mp4": GeneratedVideo(
        "mandelbrot=size=320x200:rate=25",
        330,
        (
            CaptionedSpan(0.0, 2.0, "the whole mandelbrot set"),
            CaptionedSpan(2.0, 4.0, "the camera moves towards the edge of a fractal"),
            CaptionedSpan(4.0, 6.0, "spirals at the edge of a fractal"),
        ),
    ),
    "life.mp4": GeneratedVideo(
        "life=size=80x50:rate=25:ratio=0.3:mold=10:seed=7:life_color=white:mold_color=blue,scale=320:200:flags=neighbor",
        550,
        (
            CaptionedSpan(0.5, 2.5, "white cells live and die on a blue field"),
            CaptionedSpan(3.0, 5.5, "a few groups of cells are left"),
        ),
    ),
    "gradients.mp4": GeneratedVideo(
        "gradients=size=320x200:rate=25:seed=7:n=4",
        660,
        (
            CaptionedSpan(0.0, 2.5, "soft colours turn slowly"),
            CaptionedSpan(2.5, 5.0, "the colours have turned by a quarter"),
        ),
    ),
})  # fmt: skip
CAPTION_OF_CORRUPT = CaptionedSpan(0.0, 2.0, "this file was cut off in the middle and cannot be read")


def write(folder: Path) -> None:
    """Write the videos, and a broken one. Raises SpecError without an ffmpeg, ItemError if it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, video in VIDEOS.items():
        tone = f"sine=frequency={video.tone}:sample_rate=44100"
        inputs = ["-f", "lavfi", "-i", video.source, "-f", "lavfi", "-i", tone]
        encoding = ["-t", str(SECONDS), "-pix_fmt", "yuv420p", "-g", "25", "-movflags", "+faststart"]
        start = [ffmpeg.binary().path, "-v", "error", "-nostdin", "-y"]
        ffmpeg.run([*start, *inputs, *encoding, str(folder / name)], timeout=_TIMEOUT)
    whole = (folder / next(iter(VIDEOS))).read_bytes()
    (folder / CORRUPT).write_bytes(whole[: len(whole) // 2])


def captions() -> str:
    """A table with one row per clip: video, start, end, caption."""
    spans = [(name, span) for name, video in VIDEOS.items() for span in video.spans]
    rows = [f"{name},{span.start},{span.end},{span.text}\n" for name, span in (*spans, (CORRUPT, CAPTION_OF_CORRUPT))]
    return "path,start,end,text\n" + "".join(rows)
