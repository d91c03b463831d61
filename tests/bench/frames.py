"""Decoding, beside ffmpeg: 16 frames of a 30 s clip by the whole frames stage, key frames, and two workers.

Prints one JSON line a row. Both sides run in turns on one core, five rounds; the ratio is the median of the rounds:
how many times quicker reelmill is. The footage is synthetic (a zoom, a moving chart and noise) and kept in the user's
cache.
"""

import json
import multiprocessing
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import footage
from reelmill.contract.record import Item, Media
from reelmill.contract.spec.stages.frames import FramesBlock
from reelmill_stages.frames.stage import Frames
from reelmill_stages.media.ffmpeg import binary
from reelmill_stages.media.keyframes import decode_keyframes
from reelmill_stages.media.picture import render
from reelmill_stages.media.timeline import read_timeline
from reelmill_stages.stage import Done, Input

ROUNDS = 5
CACHE = footage.CACHE.parent.parent / "bench"
SIZES = {"720p": (1280, 720), "360p": (640, 360)}
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p", "-an")
VP = ("-deadline", "realtime", "-cpu-used", "8", "-b:v", "2M", "-an")
CLIPS = {
    "720p GOP 250": ("720p", "mp4", (*X264, "-g", "250"), 1.7),
    "720p GOP 48": ("720p", "mp4", (*X264, "-g", "48"), 2.7),
    "360p GOP 250": ("360p", "mp4", (*X264, "-g", "250"), 1.7),
    "360p GOP 48": ("360p", "mp4", (*X264, "-g", "48"), 2.7),
    "720p no B-frames": ("720p", "mp4", (*X264, "-g", "250", "-bf", "0"), 0.9),
    "360p variable rate": ("360p", "mp4", (*X264, "-g", "250", "-vf", "select='mod(n,7)'", "-fps_mode", "vfr"), 0.9),
    "360p webm vp9": ("360p", "webm", ("-c:v", "libvpx-vp9", *VP), 0.9),
    "360p webm vp8": ("360p", "webm", ("-c:v", "libvpx", *VP), 0.9),
}
"""Case -> size, container, encoder, target."""
RAW = {
    "720p GOP 250": ("720p", "2M", "250"),
    "720p GOP 48": ("720p", "2M", "48"),
    "360p GOP 48": ("360p", "800k", "48"),
}
"""Case -> size, bits a second, GOP of the 120 s files."""
COPIES = {"720p edit list": ("mp4", "4"), "720p mkv": ("mkv", "0"), "720p mpeg-ts": ("ts", "0")}
"""Case -> container and first second of a stream copy of the first clip; target 0.9."""


def cached(name: str, *args: str) -> Path:
    """A file made once per machine."""
    path = CACHE / name
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"new.{os.getpid()}.{name}")
        footage.ffmpeg(*args, str(temporary))
        temporary.replace(path)
    return path


def source(size: str) -> Path:
    """30 s at 30 frames a second, nearly lossless."""
    width, height = SIZES[size]
    graph = (
        f"mandelbrot=size={width}x{height}:rate=30:maxiter=400[zoom];"
        f"testsrc2=size={width // 3}x{height // 3}:rate=30[chart];"
        f"[zoom][chart]overlay=x='mod(t*60,{width})':y='mod(t*30,{height})',noise=alls=4:allf=t,format=yuv420p"
    )
    encoder = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "14")
    return cached(f"source_{size}.mkv", "-filter_complex", graph, "-t", "30", *encoder)


def clip(case: str) -> Path:
    size, container, options, _ = CLIPS[case]
    return cached(f"{case.replace(' ', '_')}.{container}", "-i", str(source(size)), *options)


def copy(case: str) -> Path:
    """Without new encoding; a cut between key frames leaves pre-roll that an edit list hides."""
    container, start = COPIES[case]
    name = f"{case.replace(' ', '_')}.{container}"
    return cached(name, "-ss", start, "-i", str(clip("720p GOP 250")), "-c", "copy")


def long(case: str) -> Path:
    """120 s at the rate of a video site."""
    size, rate, gop = RAW[case]
    encoder = ("-c:v", "libx264", "-preset", "fast", "-b:v", rate, "-g", gop, "-pix_fmt", "yuv420p", "-an")
    name = case.replace(" ", "_")
    once = cached(f"raw_{name}.mp4", "-i", str(source(size)), *encoder)
    return cached(f"raw_long_{name}.mp4", "-stream_loop", "3", "-i", str(once), "-c", "copy")


class Desk:
    """What a worker lends."""

    gpu = None

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch

    def fetch(self, media: Media) -> Path:
        return Path(media.uri)

    def read(self, uri: str, digest: str = "") -> Path:
        return Path(uri)


def sample(path: Path) -> None:
    """The whole stage: 16 frames, tokens, files."""
    with tempfile.TemporaryDirectory() as scratch:
        fields = {"vid": "abcdefghijk", "text": "a caption", "size": [0.5] * 16}
        given = Input(Item("a", 0, "a", 30.0, Media(str(path), 0), fields=fields), 0)
        (result,) = Frames(FramesBlock()).process([given], Desk(Path(scratch)))
        assert isinstance(result, Done), result


def null(path: Path) -> None:
    run("-threads", "1", "-i", str(path), "-an", "-f", "null", "-")


def run(*args: str) -> None:
    command = [binary().path, "-v", "error", "-nostdin", *args]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def key_frames(path: Path) -> None:
    for picture in decode_keyframes(path, read_timeline(path)):
        render(picture.frame, width=256, height=160)


def key_frames_by_ffmpeg(path: Path) -> None:
    run(
        "-threads", "1", "-skip_frame", "nokey", "-i", str(path), "-an", "-fps_mode", "passthrough",
        "-vf", "scale=256:160:flags=bicubic", "-pix_fmt", "rgb24", "-f", "rawvideo", "-",
    )  # fmt: skip


def ratio(theirs: Callable[[Path], None], ours: Callable[[Path], None], path: Path) -> float:
    """How many times quicker ours is: the median of interleaved rounds."""
    found = []
    for _ in range(ROUNDS):
        seconds = []
        for measured in (theirs, ours):
            start = time.perf_counter()
            measured(path)
            seconds.append(time.perf_counter() - start)
        found.append(seconds[0] / seconds[1])
    return statistics.median(found)


def workers(path: Path) -> float:
    """Clips a second of two worker processes over those of one."""
    found = []
    with multiprocessing.get_context("spawn").Pool(1) as one, multiprocessing.get_context("spawn").Pool(2) as two:
        for pool, warm in ((one, 1), (two, 4)):
            pool.map(sample, [path] * warm, chunksize=1)
        for _ in range(ROUNDS):
            seconds = []
            for pool in (one, two):
                start = time.perf_counter()
                pool.map(sample, [path] * 8, chunksize=1)
                seconds.append(time.perf_counter() - start)
            found.append(seconds[0] / seconds[1])
    return statistics.median(found)


def row(bench: str, case: str, value: float, target: float) -> None:
    print(json.dumps({"bench": bench, "case": case, "ratio": round(value, 2), "target": target}), flush=True)


def main() -> None:
    clips = {case: (clip(case), CLIPS[case][3]) for case in CLIPS} | {case: (copy(case), 0.9) for case in COPIES}
    longs = {case: long(case) for case in RAW}
    cores = sorted(os.sched_getaffinity(0))
    sample(clips["360p GOP 48"][0])
    os.sched_setaffinity(0, cores[-1:])
    for case, (path, target) in clips.items():
        row("frames, 16 of a 30 s clip", case, ratio(null, sample, path), target)
    for case, path in longs.items():
        row("key frames", case, ratio(key_frames_by_ffmpeg, key_frames, path), 1.2)
    os.sched_setaffinity(0, cores)
    if len(cores) > 1:
        row("frames, workers", "2 on 2 cores", workers(clips["720p GOP 48"][0]), 1.8)


if __name__ == "__main__":
    main()
