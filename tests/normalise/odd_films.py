"""Small films of which one thing is not in the default shape of `normalise`, made with the ffmpeg command line."""

import hashlib
import os
from pathlib import Path

import footage

PLAIN = ("-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "20")


def plain(**more: object) -> Path:
    """A film in the default shape, whose frame i shows the number i."""
    return footage.video(**{"seconds": 2.0, "fps": 25, "size": (192, 112), "options": PLAIN, **more})  # type: ignore[arg-type]


def derived(*options: str, before: tuple[str, ...] = (), container: str = "mp4", of: Path | None = None) -> Path:
    """The plain film, or another one, through ffmpeg."""
    source = of or plain()
    key = hashlib.sha256(repr((options, before, container, source.name)).encode()).hexdigest()[:16]
    path = footage.CACHE / f"odd-{key}.{container}"
    if not path.exists():
        unfinished = path.with_name(f"{path.stem}.{os.getpid()}.{container}")
        footage.ffmpeg(*before, "-i", str(source), *options, str(unfinished))
        unfinished.rename(path)
    return path


PQ = "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv"
X264 = ("-c:v", "libx264", *PLAIN, "-c:a", "copy")
FILMS = {
    "codec": lambda: derived("-c:v", "mpeg4", "-q:v", "2", "-c:a", "copy"),
    "pixelFormat": lambda: derived("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv444p", "-c:a", "copy"),
    "rate": lambda: derived("-vf", "setpts=(N+0.4*mod(N\\,3))/25/TB", "-fps_mode", "vfr", *X264),
    "aspect": lambda: derived("-vf", "setsar=4/3", *X264),
    "rotation": lambda: derived("-c", "copy", before=("-display_rotation", "90")),
    "interlaced": lambda: derived("-vf", "interlace", "-flags", "+ilme+ildct", *X264),
    "hdr": lambda: derived(
        "-vf", f"format=yuv420p10le,{PQ}", "-c:v", "libx265", "-x265-params", "log-level=error", "-c:a", "copy",
    ),
    "soundCodec": lambda: derived("-c:v", "copy", "-c:a", "libmp3lame"),
    "container": lambda: derived("-c", "copy", container="mkv"),
}  # fmt: skip
