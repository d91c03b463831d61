"""Synthetic footage for the benchmarks, generated once per machine and kept in the user's cache.

It shows a zoom, a moving chart and temporal noise at 30 fps. `clip` has 30 s files at x264's crf 23, in many encodings;
`copy` has stream copies of one of them; `film` has 120 s files at the bit rate of a video site, with optional sound.
"""

import os
from pathlib import Path

import footage

CACHE = footage.CACHE.parent.parent / "bench"
SIZES = {"1080p": (1920, 1080), "720p": (1280, 720), "360p": (640, 360)}
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p", "-an")
VP = ("-deadline", "realtime", "-cpu-used", "8", "-b:v", "2M", "-an")
CLIPS = {
    "720p GOP 250": ("720p", "mp4", (*X264, "-g", "250")),
    "720p GOP 48": ("720p", "mp4", (*X264, "-g", "48")),
    "360p GOP 250": ("360p", "mp4", (*X264, "-g", "250")),
    "360p GOP 48": ("360p", "mp4", (*X264, "-g", "48")),
    "720p no B-frames": ("720p", "mp4", (*X264, "-g", "250", "-bf", "0")),
    "360p variable rate": ("360p", "mp4", (*X264, "-g", "250", "-vf", "select='mod(n,7)'", "-fps_mode", "vfr")),
    "360p webm vp9": ("360p", "webm", ("-c:v", "libvpx-vp9", *VP)),
    "360p webm vp8": ("360p", "webm", ("-c:v", "libvpx", *VP)),
}
"""Case -> size, container, encoder."""
LARGE = {
    "1080p h264": ("1080p", "mp4", (*X264, "-g", "250")),
    "1080p hevc": ("1080p", "mp4", ("-c:v", "libx265", "-preset", "ultrafast", "-crf", "26", "-g", "250", "-an")),
    "1080p av1": ("1080p", "mp4", ("-c:v", "libsvtav1", "-preset", "10", "-crf", "38", "-g", "250", "-an")),
}
"""The same for clips that only some rows use."""
SHOTS = ("720p", "360p")
"""Sizes of films with hard cuts."""
COPIES = {"720p edit list": ("mp4", "4"), "720p mkv": ("mkv", "0"), "720p mpeg-ts": ("ts", "0")}
"""Case -> container and first second of a stream copy of the first clip."""
FILMS = {
    "720p GOP 250": ("720p", "2M", "250"),
    "720p GOP 48": ("720p", "2M", "48"),
    "360p GOP 48": ("360p", "800k", "48"),
}
"""Case -> size, bits a second, GOP."""


def clip(case: str) -> Path:
    """A clip of 30 s without sound."""
    size, container, options = {**CLIPS, **LARGE}[case]
    return _cached(f"{case.replace(' ', '_')}.{container}", "-i", str(_source(size)), *options)


def copy(case: str) -> Path:
    """A stream copy; a cut between key frames leaves pre-roll that an edit list hides."""
    container, start = COPIES[case]
    name = f"{case.replace(' ', '_')}.{container}"
    return _cached(name, "-ss", start, "-i", str(clip("720p GOP 250")), "-c", "copy")


def film(case: str, *, sound: bool = False) -> Path:
    """A film of 120 s, four times the same 30 s, at the bit rate of a video site."""
    size, rate, gop = FILMS[case]
    encoder = ("-c:v", "libx264", "-preset", "fast", "-b:v", rate, "-g", gop, "-pix_fmt", "yuv420p", "-an")
    name = case.replace(" ", "_")
    once = _cached(f"raw_{name}.mp4", "-i", str(_source(size)), *encoder)
    silent = _cached(f"raw_long_{name}.mp4", "-stream_loop", "3", "-i", str(once), "-c", "copy")
    if not sound:
        return silent
    tone = ("-f", "lavfi", "-i", "sine=frequency=440:duration=120")
    return _cached(f"sound_{name}.mp4", "-i", str(silent), *tone, "-c:v", "copy", "-c:a", "aac", "-shortest")


def shots(size: str) -> Path:
    """A clip of 30 s with a cut every 2 s, alternating between two halves of the other clips."""
    order = [2 * (7 * number % 15) for number in range(15)]
    cuts = "".join(f"[0]trim={start}:{start + 2},setpts=PTS-STARTPTS[c{n}];" for n, start in enumerate(order))
    turned = "".join(f"[c{n}]{'negate,' if n % 2 else ''}null[d{n}];" for n in range(len(order)))
    joined = "".join(f"[d{n}]" for n in range(len(order)))
    graph = f"{cuts}{turned}{joined}concat=n={len(order)},format=yuv420p"
    encoder = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-g", "250", "-an")
    return _cached(f"shots_{size}.mp4", "-i", str(_source(size)), "-filter_complex", graph, *encoder)


def hour() -> Path:
    """An hour of 720p with sound: 30 times the film of two minutes."""
    film_ = film("720p GOP 48", sound=True)
    return _cached("hour.mp4", "-stream_loop", "29", "-i", str(film_), "-c", "copy")


def _source(size: str) -> Path:
    """A nearly lossless source of 30 s."""
    width, height = SIZES[size]
    graph = (
        f"mandelbrot=size={width}x{height}:rate=30:maxiter=400[zoom];"
        f"testsrc2=size={width // 3}x{height // 3}:rate=30[chart];"
        f"[zoom][chart]overlay=x='mod(t*60,{width})':y='mod(t*30,{height})',noise=alls=4:allf=t,format=yuv420p"
    )
    encoder = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "14")
    return _cached(f"source_{size}.mkv", "-filter_complex", graph, "-t", "30", *encoder)


def _cached(name: str, *args: str) -> Path:
    path = CACHE / name
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"new.{os.getpid()}.{name}")
        footage.ffmpeg(*args, str(temporary))
        temporary.replace(path)
    return path
