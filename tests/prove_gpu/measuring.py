"""What is measured: how much of the decoder's speed remains with reelmill around it, and seconds of the GPU."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import footage
from bench.row import Row
from bench.timing import in_turns
from prove_gpu.case import Case, failed, judged, passed, skipped
from prove_gpu.decoding import GPU, alone
from reelmill_stages.media.decoding import gpu_decoder
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.gpu_time import GpuTime, of_devices
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline

ROUNDS = 3
SECONDS = 20
"""Of each film, of 30 frames a second in 1280x720."""
TARGET = 0.9
"""Of the speed of the decoder alone."""
ENCODERS = {
    "h264": ("-c:v", "libx264", "-preset", "veryfast", "-g", "48", "-pix_fmt", "yuv420p"),
    "hevc": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "keyint=48:log-level=0", "-pix_fmt", "yuv420p"),
}
BUSY = 5.0
"""Seconds for which the decoder is kept busy."""


def bench(folder: Path, _device: str) -> Iterator[Case]:
    """All frames of a film on the GPU, beside the decoder alone and beside the CPU; the same work, in turns."""
    for codec in ENCODERS:
        path, timeline = _film(folder, codec)
        if excluded := gpu_decoder.refused(GPU, timeline):
            yield skipped("bench", f"decode {codec}", excluded.message)
            continue
        on_gpu = partial(_all, path, timeline, GPU)
        if on_gpu() != len(timeline):
            yield failed("bench", f"decode {codec}", "not all frames came from the GPU")
            continue
        for against, peer, target in (
            ("the decoder alone", lambda path=path, timeline=timeline: sum(1 for _ in alone(path, timeline)), TARGET),
            ("one CPU", partial(_all, path, timeline, None), None),
        ):
            times = in_turns(on_gpu, peer, ROUNDS)
            ours, theirs = times.medians
            row = Row("decode", codec, against, ours, theirs, "s", times.ratio, times.cpu_ratio, target)
            speed = {"frames_per_second": round(len(timeline) / ours), "row": row.to_json()}
            name = f"decode {codec}, beside {against}"
            if target is not None and not row.met:
                yield failed("bench", name, f"{times.ratio:.2f} of its speed, less than {target}", **speed)
            else:
                yield passed("bench", name, f"{times.ratio:.2f} times as fast", **speed)


def usage(folder: Path, _device: str) -> Iterator[Case]:
    """Seconds of the GPU while its decoder works: more than none, and no more than have passed."""
    path, timeline = _film(folder, "h264")
    began = time.monotonic()
    gpu, frames = GpuTime(of_devices), 0
    while time.monotonic() - began < BUSY:
        for picture in decode(path, timeline, range(len(timeline)), gpu=GPU):
            frames += picture.fallback is None
            gpu.tick()
    passed_time, used = time.monotonic() - began, gpu.take()
    counted, decoder = used.gpu_seconds, used.gpu_decoder_seconds
    if counted is None or decoder is None:
        yield skipped("usage", "GPU seconds", "the library tells no utilisation, as on a MIG slice")
        return
    problems = [] if frames else ["no frame came from the GPU"]
    problems += ["the GPU was never busy"] if counted == 0 else []
    problems += ["its decoder was never busy"] if decoder == 0 else []
    problems += [f"{counted:.1f} s of the GPU in {passed_time:.1f} s"] if counted > passed_time else []
    numbers = {"gpu_seconds": counted, "decoder_seconds": decoder, "seconds": passed_time}
    yield judged("usage", "GPU seconds", problems, **{name: round(number, 2) for name, number in numbers.items()})


def _all(path: Path, timeline: Timeline, gpu: int | None) -> int:
    """Decode all frames; returns how many came from where they should."""
    return sum(one.fallback is None for one in decode(path, timeline, range(len(timeline)), gpu=gpu))


@cache
def _film(folder: Path, codec: str) -> tuple[Path, Timeline]:
    path = folder / f"{codec}.mp4"
    source = f"testsrc2=size=1280x720:rate=30:duration={SECONDS}"
    footage.ffmpeg("-f", "lavfi", "-i", source, *ENCODERS[codec], str(path))
    return path, read_timeline(path)
