"""Benchmark of virtual clips with 16 frames each in one pass, against a copy cut followed by one ffmpeg per clip.

Before measuring, every frame is compared bit by bit with a full decode of the video.
"""

import subprocess
import tempfile
from functools import partial
from pathlib import Path

import av
import numpy as np

from bench import films
from bench.row import Row, begin, emit
from bench.timing import in_turns, one_core
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.frames import FramesBlock
from reelmill_stages.media.decoding.picture import Pixels, render
from reelmill_stages.media.ffmpeg import binary
from reelmill_stages.registry import stage
from reelmill_stages.stage import Done, Input, NewItem
from reelmill_stages.stages.frames.stage import FramesStage
from worker_desk import Desk

SPANS = ((0.5, 14.0), (15.2, 40.0), (41.0, 66.3), (60.0, 90.0), (88.4, 100.1), (101.0, 119.5))
COUNT, WIDTH, HEIGHT = 16, 256, 160
QUIET = ("-nostdin", "-loglevel", "error", "-threads", "1")


def ours(path: Path, folder: Path) -> list[NewItem]:
    """Spans to virtual clips to samples, as workers of the two stages make them."""
    media = Media(str(path), path.stat().st_size)
    videos = [
        Input(Item(f"{n}", n, "v", end - start, media, fields={"vid": "v", "start": start, "end": end}), n)
        for n, (start, end) in enumerate(SPANS)
    ]
    clips = _made(stage("clip", {"mode": "virtual"}).process(videos, Desk(folder)))
    inputs = []
    for number, clip in enumerate(clips):
        assert isinstance(clip.media, Media)
        inputs.append(Input(Item(clip.key, number, clip.group, clip.weight, clip.media, fields=clip.fields), number))
    return _made(
        FramesStage(FramesBlock(count=COUNT, width=WIDTH, height=HEIGHT, layout="npy")).process(inputs, Desk(folder))
    )


def _made(results: object) -> list[NewItem]:
    made = []
    for result in results:  # type: ignore[attr-defined]
        assert isinstance(result, Done), result
        made += result.items
    return made


def fused(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ours(path, Path(folder))


def apart(path: Path) -> None:
    """Two ffmpeg commands per clip: copy packets, then read frames at a constant rate through a pipe."""
    with tempfile.TemporaryDirectory() as folder:
        for number, (start, end) in enumerate(SPANS):
            clip = str(Path(folder) / f"{number}.mp4")
            span = ("-ss", str(start), "-t", str(end - start))
            _ffmpeg(*span, "-i", str(path), "-c", "copy", clip)
            frames = f"fps={COUNT / (end - start)},scale={WIDTH}:{HEIGHT}:flags=bicubic"
            _ffmpeg("-i", clip, "-an", "-vf", frames, "-pix_fmt", "rgb24", "-f", "rawvideo", "-")


def _ffmpeg(*args: str) -> None:
    subprocess.run([binary().path, *QUIET, *args], check=True, stdout=subprocess.PIPE)


def verify(path: Path) -> None:
    """Raises ValueError if a frame differs from that of a full decode at the same time."""
    with tempfile.TemporaryDirectory() as folder:
        samples = ours(path, Path(folder))
        wanted = {pts for made in samples for pts in made.provenance["pts"]}
        truth: dict[int, Pixels] = {}
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                if frame.pts in wanted:
                    truth[frame.pts] = render(frame, width=WIDTH, height=HEIGHT)
        for made in samples:
            given = np.load(made.files[0].path)
            for got, pts in zip(given, made.provenance["pts"], strict=True):
                if not np.array_equal(got, truth[pts]):
                    raise ValueError(f"{path.name}, clip {made.key}: the frame at {pts} is not the decoder's")


def main(rounds: int) -> None:
    long = {case: films.film(case, sound=True) for case in ("720p GOP 250", "720p GOP 48")}
    for path in long.values():
        verify(path)
    one_core()
    for case, path in long.items():
        times = in_turns(partial(fused, path), partial(apart, path), rounds)
        emit(
            Row(
                "clip + frames fused", f"{len(SPANS)} clips of a {case}, bit-exact",
                "ffmpeg copy cut, then one ffmpeg a clip with fps and scale",
                *times.medians, "s", times.ratio, times.cpu_ratio, 2.0, rounds=times.rounds,
            )
        )  # fmt: skip


if __name__ == "__main__":
    begin(main, "clip + frames fused")
