"""Benchmark of the fixed cost on one machine: a 4 s video through clip, frames, pack and index, a rerun, help, version.

The peer of the small run is the same stage code called in one Python process, including imports, but without the
runtime: no isolation, ledger, checkpoints or commits. Both start with only the video and end with the same samples.
"""

import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from functools import partial
from pathlib import Path

import footage
from bench.row import Row, begin, emit
from bench.timing import Times, cpu_seconds, in_turns, seconds

REELMILL = str(Path(sys.executable).with_name("reelmill"))
IMPORTS = [sys.executable, "-c", "import pydantic, typer"]
PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: small}
spec:
  store: {uri: ./data}
  sources:
  - name: raw
    files: {uri: ./videos}
  stages:
  - name: clips
    clip: {by: length, length: 2s, mode: copy}
  - name: pictures
    frames: {count: 16, width: 256, height: 160, layout: npy}
  - name: shards
    from: [clips]
    pack: {}
  - name: list
    index: {}
"""
CLIPS = 2
AGAIN_SECONDS = 0.6


def command(environment: dict[str, str], folder: Path, *words: str) -> None:
    subprocess.run(words, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


def prepared(folder: Path, video: Path) -> Path:
    """A folder with a pipeline and its video, and no store."""
    folder.mkdir()
    (folder / "videos").mkdir()
    (folder / "videos" / "a.mp4").symlink_to(video)
    (folder / "pipeline.yaml").write_text(PIPELINE)
    return folder


def run(environment: dict[str, str], root: Path, video: Path) -> None:
    folder = prepared(Path(tempfile.mkdtemp(dir=root)) / "ours", video)
    command(environment, folder, REELMILL, "run", "--quiet", "pipeline.yaml")
    check(folder)


def peer(environment: dict[str, str], root: Path, video: Path) -> None:
    folder = Path(tempfile.mkdtemp(dir=root))
    command(environment, folder, sys.executable, "-m", "bench.small_peer", str(video), str(folder))
    check(folder)


def check(folder: Path) -> None:
    """Raises ValueError unless there are the pictures and the samples of all clips, and their list."""
    pictures = len(list(folder.rglob("*.npy")))
    samples = 0
    for path in folder.rglob("*.tar"):
        with tarfile.open(path) as tar:
            samples += sum(name.endswith(".json") for name in tar.getnames())
    lists = len(list(folder.rglob("index.json")))
    if (pictures, samples, lists) != (CLIPS, CLIPS, 1):
        raise ValueError(f"{folder}: {pictures} pictures, {samples} samples and {lists} lists")


def share(bench: str, case: str, against: str, times: Times, target: float) -> None:
    """Emit a row with reelmill's time as a multiple of the peer's."""
    cpu = times.cpu_ratio
    values = (*times.medians, "s", 1 / times.ratio, 1 / cpu if cpu else None, target, True)
    emit(Row(bench, case, against, *values, rounds=times.rounds))


def rerun(environment: dict[str, str], root: Path, video: Path, rounds: int) -> None:
    folder = prepared(root / "again", video)
    again = partial(command, environment, folder, REELMILL, "run", "--quiet", "pipeline.yaml")
    again()
    again()
    before = cpu_seconds()
    took = statistics.median(seconds(again) for _ in range(rounds))
    cpu = (cpu_seconds() - before) / rounds
    values = (took, AGAIN_SECONDS, "s", took / AGAIN_SECONDS, cpu / AGAIN_SECONDS, 1.0, True)
    emit(Row("small run", "once more, all done", "a limit", *values, rounds=(rounds, rounds)))


def main(rounds: int) -> None:
    video = footage.video(seconds=4.0, size=(640, 360))
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        sides = partial(run, environment, root, video), partial(peer, environment, root, video)
        sides[1]()
        times = in_turns(*sides, rounds)
        share("small run", "one video of 4 s", "the same stage code in one process, without runtime", times, 2.0)
        rerun(environment, root, video, rounds)
        for option in ("--help", "--version"):
            ours, theirs = (partial(command, environment, root, *words) for words in ([REELMILL, option], IMPORTS))
            theirs()
            share("command line", option, 'python -c "import pydantic, typer"', in_turns(ours, theirs, rounds), 3.0)


if __name__ == "__main__":
    begin(main, "small run")
