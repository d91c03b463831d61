"""Benchmark of the whole chain from raw videos to clips to frames in tars: `reelmill run` and video2dataset 1.3.

Both cut 6 clips of 10 to 30 s from each 120 s 720p video without encoding and then write 20 frames per clip, 160 lines
high, to tars, with two workers. reelmill: `clip` in mode copy (exact to the frame), then `pack` with the sampler `un`
(JPEG). video2dataset: clips cut at key frames, then a second pass to 1 fps (mp4), which is 20 per clip on average.

End to end is the wall time of the commands for 4 videos, including interpreters. Steady is the cost of an additional
video: the time for 4 videos minus the time for 2, divided by 2, which cancels the start-up. video2dataset needs
minutes, so it runs once in the middle of reelmill's rounds.
"""

import csv
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from bench import films, v2d
from bench.row import Row, begin, emit
from bench.timing import Act, cpu_seconds, seconds

SPANS = [(0.0, 10.0), (10.0, 30.0), (30.0, 60.0), (60.0, 75.0), (75.0, 95.0), (95.0, 120.0)]
"""Adjoining spans: video2dataset takes clips from the pieces that ffmpeg's segmenter cuts at key frames, and fails
('list index out of range') if the video has fewer key frames than cuts."""
FEW, MANY = 2, 4
REELMILL = Path(sys.executable).with_name("reelmill")
PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: chain}
spec:
  store: {uri: ./data}
  sources:
  - name: raw
    table: {uri: ./clips.csv, base: ./videos, columns: {path: path, text: text, start: start, end: end}}
  stages:
  - name: clips
    clip: {mode: copy}
  - name: shards
    pack: {sampler: un, frames: 20, maxSide: 284, jpegQuality: 95}
"""


Spent = tuple[float, float]
"""Wall time and CPU time in seconds."""


def spent(act: Act) -> Spent:
    before = cpu_seconds()
    return seconds(act), cpu_seconds() - before


def videos(folder: Path, count: int) -> list[Path]:
    """Create `count` videos that differ only in their names."""
    film = films.film("720p GOP 250", sound=True)
    folder.mkdir()
    paths = [folder / f"video{number}.mp4" for number in range(count)]
    for path in paths:
        path.symlink_to(film)
    return paths


def ours(count: int) -> Spent:
    """Time of `reelmill run` for `count` videos. Raises ValueError if samples are missing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pipeline.yaml").write_text(PIPELINE)
        with (folder / "clips.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("path", "text", "start", "end"))
            for path in videos(folder / "videos", count):
                rows.writerows((path.name, "a caption", start, end) for start, end in SPANS)
        command = [REELMILL, "run", "--quiet", "pipeline.yaml"]
        took = spent(lambda: subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL))
        found = 0
        for path in (folder / "data").rglob("*.tar"):
            with tarfile.open(path) as tar:
                found += sum(name.endswith((".jpg", ".jpeg")) for name in tar.getnames())
        if found != 20 * count * len(SPANS):
            raise ValueError(f"reelmill packed {found} frames of {20 * count * len(SPANS)}")
        return took


def theirs(interpreter: Path, count: int) -> Spent:
    """Time of video2dataset's two passes for `count` videos."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = videos(folder / "videos", count)
        return spent(lambda: v2d.chain(interpreter, paths, SPANS, folder))


V2D = "video2dataset 1.3.0: clips at precision low, then subset to 160 lines and 1 fps"


def row(
    case: str, us: list[Spent], them: list[Spent], target: float, *, against: str = V2D, by_cpu: bool = True
) -> None:
    (ours_s, ours_cpu), (peer_s, peer_cpu) = (
        tuple(statistics.median(values) for values in zip(*side, strict=True)) for side in (us, them)
    )
    ratios = peer_s / ours_s, peer_cpu / ours_cpu if by_cpu else None
    emit(Row("whole chain", case, against, ours_s, peer_s, "s", *ratios, target, rounds=(len(us), len(them))))


def main(rounds: int) -> None:
    interpreter = v2d.python()
    films.film("720p GOP 250", sound=True)
    us: dict[int, list[Spent]] = {FEW: [], MANY: []}
    them: dict[int, list[Spent]] = {FEW: [], MANY: []}
    for turn in range(rounds):
        for count in (FEW, MANY):
            us[count].append(ours(count))
        if turn == rounds // 2:
            for count in (FEW, MANY):
                them[count].append(theirs(interpreter, count))
    row(f"end to end, {MANY} videos, {MANY * len(SPANS)} clips", us[MANY], them[MANY], 8.0)
    row("steady, a further video", further(us), further(them), 5.0)


def further(spent: dict[int, list[Spent]]) -> list[Spent]:
    """Cost of each additional video."""
    extra = MANY - FEW
    return [
        ((many[0] - few[0]) / extra, (many[1] - few[1]) / extra)
        for few, many in zip(spent[FEW], spent[MANY], strict=True)
    ]


if __name__ == "__main__":
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    begin(main, "whole chain")
