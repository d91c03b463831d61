"""The whole chain, by `reelmill run` and by video2dataset 1.3: raw videos to clips to frames in tars.

Both cut 6 clips of 10 to 30 s out of each 120 s 720p video without encoding and then bring 20 frames a clip, 160 lines
high, into tars, with two workers. Ours: `clip` in mode copy (exact to the frame), then `pack` with the sampler `un`
(JPEG). Theirs: clips cut at key frames, then a second pass to one frame a second (mp4), which is 20 a clip on average.

End to end is the wall time of the commands for 4 videos, interpreters and all. Steady is what a further video costs:
the time for 8 videos less the time for 4, divided by 4, which cancels all start-up. video2dataset needs minutes, so
it runs once in the middle of our rounds.
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
from bench.timing import seconds

SPANS = [(0.0, 10.0), (10.0, 30.0), (30.0, 60.0), (60.0, 75.0), (75.0, 95.0), (95.0, 120.0)]
"""They adjoin: video2dataset takes clips from the pieces that ffmpeg's segmenter leaves between key frames, and fails
('list index out of range') where the video has fewer key frames than there are cuts."""
FEW, MANY = 4, 8
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


def videos(folder: Path, count: int) -> list[Path]:
    """So many videos, alike but for their names."""
    film = films.film("720p GOP 250", sound=True)
    folder.mkdir()
    paths = [folder / f"video{number}.mp4" for number in range(count)]
    for path in paths:
        path.symlink_to(film)
    return paths


def ours(count: int) -> float:
    """Seconds of `reelmill run` for so many videos. Raises ValueError where samples are missing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pipeline.yaml").write_text(PIPELINE)
        with (folder / "clips.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("path", "text", "start", "end"))
            for path in videos(folder / "videos", count):
                rows.writerows((path.name, "a caption", start, end) for start, end in SPANS)
        command = [REELMILL, "run", "--quiet", "pipeline.yaml"]
        took = seconds(lambda: subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL))
        found = 0
        for path in (folder / "data").rglob("*.tar"):
            with tarfile.open(path) as tar:
                found += sum(name.endswith((".jpg", ".jpeg")) for name in tar.getnames())
        if found != 20 * count * len(SPANS):
            raise ValueError(f"reelmill packed {found} frames of {20 * count * len(SPANS)}")
        return took


def theirs(interpreter: Path, count: int) -> float:
    """Seconds of video2dataset's two passes for so many videos."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = videos(folder / "videos", count)
        return seconds(lambda: v2d.chain(interpreter, paths, SPANS, folder))


def row(case: str, us: list[float], them: list[float], target: float) -> None:
    mine, peer = statistics.median(us), statistics.median(them)
    against = "video2dataset 1.3.0: clips at precision low, then subset to 160 lines and 1 fps"
    emit(Row("whole chain", case, against, mine, peer, "s", peer / mine, target, rounds=(len(us), len(them))))


def main(rounds: int) -> None:
    interpreter = v2d.python()
    films.film("720p GOP 250", sound=True)
    few, many, peer_few, peer_many = [], [], [], []
    for turn in range(rounds):
        few.append(ours(FEW))
        many.append(ours(MANY))
        if turn == rounds // 2:
            peer_few.append(theirs(interpreter, FEW))
            peer_many.append(theirs(interpreter, MANY))
    row(f"end to end, {FEW} videos, {FEW * len(SPANS)} clips", few, peer_few, 5.0)
    extra = MANY - FEW
    steady = [(long - short) / extra for short, long in zip(few, many, strict=True)]
    peer_steady = [(long - short) / extra for short, long in zip(peer_few, peer_many, strict=True)]
    row("steady, a further video", steady, peer_steady, 3.5)


if __name__ == "__main__":
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    begin(main, "whole chain")
