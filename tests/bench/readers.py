"""Benchmark of raw videos to frames in tars: `reelmill run` against the video readers of Daft and Ray Data.

reelmill runs the pipeline of `chain`: clips cut without encoding, then 20 frames of each, which is 1 fps on average.
The others take 1 fps of the whole videos and cut no clips. All write JPEGs, 160 lines high, with two workers. End to
end is the wall time of a command for all videos, including interpreters.
"""

import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

from bench import films, peer_env
from bench.chain import MANY, SPANS, Spent, ours, row, spent, videos
from bench.row import NotRun, Row, begin, emit

JOB = Path(__file__).with_name("frames_job.py")
READERS = {"daft": ("Daft", ("daft", "av"), True), "ray": ("Ray Data", ("ray.data", "decord"), False)}
"""Name of the environment -> (name, modules, whether its processes are children, whose CPU time is known)."""


def theirs(interpreter: Path, name: str, count: int) -> Spent:
    """Time of the reader for `count` videos. Raises ValueError if frames are missing."""
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        videos(folder / "videos", count)
        log = folder / "log"
        with log.open("wb") as file:
            command = [interpreter, JOB, name, folder]
            took = spent(lambda: subprocess.run(command, cwd=folder, stdout=file, stderr=file, check=False))
        found = 0
        for path in (folder / "tars").rglob("*.tar"):
            with tarfile.open(path) as tar:
                found += sum(member.endswith(".jpg") for member in tar.getnames())
        if not count * 118 <= found <= count * 122:
            raise ValueError(f"{name} made {found} frames: {log.read_text(errors='replace')[-500:]}")
        return took


def main(rounds: int) -> None:
    films.film("720p GOP 250", sound=True)
    for name, (title, modules, by_cpu) in READERS.items():
        case = f"beside {title}: {MANY} videos, {MANY * len(SPANS)} clips"
        try:
            interpreter = peer_env.python(name, *modules)
        except NotRun as reason:
            emit(Row("whole chain", case, not_run=str(reason)))
            continue
        us, them = [], []
        for _ in range(rounds):
            us.append(ours(MANY))
            them.append(theirs(interpreter, name, MANY))
        against = f"{title}'s video reader, one frame a second, without clips"
        row(case, us, them, 1.0, against=against, by_cpu=by_cpu)


if __name__ == "__main__":
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    begin(main, "whole chain")
