"""Benchmark of decoding, against ffmpeg: 16 frames of a 30 s clip in the frames stage, key frames, two workers."""

import multiprocessing
import os
import subprocess
import tempfile
from functools import partial
from multiprocessing.pool import Pool
from pathlib import Path

from bench import films
from bench.row import Row, begin, emit
from bench.timing import Times, in_turns, one_core
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.frames import FramesBlock
from reelmill_stages.media.decoding.keyframes import decode_keyframes
from reelmill_stages.media.decoding.picture import render
from reelmill_stages.media.ffmpeg import binary
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.stage import Done, Input
from reelmill_stages.stages.frames.stage import FramesStage
from worker_desk import Desk

TARGETS = {"720p GOP 250": 1.7, "720p GOP 48": 2.7, "360p GOP 250": 1.7, "360p GOP 48": 2.7}
ANY = 0.9
"""Target of every other encoding."""


def sample(path: Path) -> None:
    """The whole stage: 16 frames, tokens, files."""
    with tempfile.TemporaryDirectory() as scratch:
        fields = {"vid": "abcdefghijk", "text": "a caption", "size": [0.5] * 16}
        given = Input(Item("a", 0, "a", 30.0, Media(str(path), 0), fields=fields), 0)
        (result,) = FramesStage(FramesBlock()).process([given], Desk(Path(scratch)))
        assert isinstance(result, Done), result


def null(path: Path) -> None:
    run("-threads", "1", "-i", str(path), "-an", "-f", "null", "-")


def key_frames(path: Path) -> None:
    for picture in decode_keyframes(path, read_timeline(path)):
        render(picture.frame, width=256, height=160)


def key_frames_by_ffmpeg(path: Path) -> None:
    """Decode key frames with ffmpeg into this process, like the stage."""
    run(
        "-threads", "1", "-skip_frame", "nokey", "-i", str(path), "-an", "-fps_mode", "passthrough",
        "-vf", "scale=256:160:flags=bicubic", "-pix_fmt", "rgb24", "-f", "rawvideo", "-",
        stdout=subprocess.PIPE,
    )  # fmt: skip


def run(*args: str, stdout: int = subprocess.DEVNULL) -> None:
    command = [binary().path, "-v", "error", "-nostdin", *args]
    subprocess.run(command, check=True, stdout=stdout)


def spread(pool: Pool, path: Path, clips: int = 8) -> None:
    pool.map(sample, [path] * clips, chunksize=1)


def workers(path: Path, rounds: int) -> Times:
    """The same clips with two worker processes and with one."""
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(1) as one, spawn.Pool(2) as two:
        spread(one, path, 1)
        spread(two, path, 4)
        return in_turns(partial(spread, two, path), partial(spread, one, path), rounds, warm=False)


def row(bench: str, case: str, against: str, target: float, times: Times) -> None:
    ours, peer = times.medians
    by_cpu = None if bench == "frames, workers" else times.cpu_ratio
    emit(Row(bench, case, against, ours, peer, "s", times.ratio, by_cpu, target, rounds=times.rounds))


def main(rounds: int) -> None:
    clips = {case: films.clip(case) for case in films.CLIPS} | {case: films.copy(case) for case in films.COPIES}
    long = {case: films.film(case) for case in films.FILMS}
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    one_core()
    for case, path in clips.items():
        times = in_turns(partial(sample, path), partial(null, path), rounds)
        row("frames", case, "ffmpeg -threads 1 -f null - of the same file", TARGETS.get(case, ANY), times)
    for case, path in long.items():
        times = in_turns(partial(key_frames, path), partial(key_frames_by_ffmpeg, path), rounds)
        row("key frames", case, "ffmpeg -skip_frame nokey, scaled to 256x160, read through a pipe", 1.2, times)
    if len(cores) > 1:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, cores)
        times = workers(clips["720p GOP 48"], rounds)
        row("frames, workers", "2 workers, 8 clips", "1 worker, the same clips", 1.8, times)
    else:
        emit(Row("frames, workers", "2 workers, 8 clips", not_run="one core only"))


if __name__ == "__main__":
    begin(main, "frames")
