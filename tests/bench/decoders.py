"""Benchmark of frames at 256x160: `frames` with `fps: 1` and `all`, against PyAV, torchcodec and decord, on one core.

torchcodec has no FFmpeg and uses the one in PyAV's wheel, so both decode with the same libraries. All write the same
frames as an array (N, 160, 256, 3) to a file; the peers run `decoders_job.py` in a separate environment. Numbers are
frames of the video per second. Frames are compared before measuring: PyAV, which scales like the stage, must give equal
pixels; the others scale and convert colours differently, but must give the same frames.
"""

import json
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from bench import films, peer_env
from bench.row import NotRun, Row, begin, emit
from bench.timing import Times, one_core
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.frames import FramesBlock
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.stage import Done, Input
from reelmill_stages.stages.frames.sampling import per_second
from reelmill_stages.stages.frames.stage import FramesStage
from worker_desk import Desk

PEERS = ("av", "torchcodec", "decord")
MODES: dict[str, dict[str, Any]] = {"fps: 1": {"fps": 1.0}, "all": {"all": True}}
ALIKE = 12
"""Largest mean difference of 8-bit pixels between the same frame, scaled by two libraries."""


@dataclass(frozen=True, slots=True)
class Took:
    """Wall time and CPU time in seconds."""

    wall: float
    cpu: float


class Peer:
    """A process that decodes with one library on request."""

    def __init__(self, python: Path, name: str, libraries: str) -> None:
        """`libraries` is a search path for FFmpeg, for libraries without one."""
        command = [python, Path(__file__).with_name("decoders_job.py"), name]
        environment = {**os.environ, "LD_LIBRARY_PATH": libraries}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.version = self._answer()["version"]

    def decode(self, path: Path, indices: list[int], target: Path) -> Took:
        """Decode the frames. Raises NotRun if the library cannot decode the file."""
        assert self._process.stdin is not None
        print(json.dumps([str(path), indices, str(target)]), file=self._process.stdin, flush=True)
        answer = self._answer()
        return Took(answer["wall"], answer["cpu"])

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline() or '{"error": "it ended"}')
        if "error" in answer:
            raise NotRun(answer["error"])
        return answer

    def close(self) -> None:
        self._process.communicate()


def ffmpeg_of_pyav(python: Path, folder: Path) -> str:
    """A search path with links to the libraries in PyAV's wheel under their usual names."""
    (libraries,) = python.parents[1].glob("lib/python*/site-packages/av.libs")
    for file in libraries.glob("lib*-*.so.*"):
        if found := re.match(r"(lib(?:av|sw)[a-z]+)-[0-9a-f]+\.so\.(\d+)", file.name):
            (folder / "{}.so.{}".format(*found.groups())).symlink_to(file)
    return f"{folder}:{libraries}"


def ours(path: Path, mode: str, target: Path) -> Took:
    """Run the whole stage, with the array as its file."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        block = FramesBlock.model_validate({**MODES[mode], "layout": "npy", "width": 256, "height": 160})
        item = Item("a", 0, "a", 30.0, Media(str(path), 0), fields={"vid": "a"})
        (result,) = FramesStage(block).process([Input(item, 0)], Desk(Path(folder)))
        took = Took(time.perf_counter() - wall, time.process_time() - cpu)
        assert isinstance(result, Done), result
        result.items[0].files[0].path.replace(target)
        return took


def wanted(path: Path, mode: str) -> list[int]:
    timeline = read_timeline(path)
    if mode == "all":
        return list(range(len(timeline)))
    return per_second([timeline.seconds(index) for index in range(len(timeline))], timeline.duration, 1.0)


def verify(mine: Path, other: Path, frames: int, alike: float) -> None:
    """Raises ValueError if the frames differ, that is, if pixels differ by more than `alike` on average."""
    for number, (one, two) in enumerate(zip(np.load(mine)[:frames], np.load(other), strict=True)):
        if (off := float(np.abs(one.astype(int) - two).mean())) > alike:
            raise ValueError(f"frame {number} differs by {off:.1f} on average")


def compare(peer: Peer, path: Path, mode: str, folder: Path, rounds: int, alike: float) -> tuple[Times, int]:
    """The times of both, and the number of frames of the video."""
    indices, mine, other = wanted(path, mode), folder / "ours.npy", folder / "peer.npy"
    times = Times([], [])
    for turn in range(rounds + 1):
        for _ in range(2):
            took = ours(path, mode, mine) if (turn + _) % 2 else peer.decode(path, indices, other)
            if turn:
                wall, cpu = (times.ours, times.ours_cpu) if (turn + _) % 2 else (times.peer, times.peer_cpu)
                wall.append(took.wall)
                cpu.append(took.cpu)
        if not turn:
            verify(mine, other, len(indices), alike)
    return times, len(read_timeline(path))


def rows(peer: Peer, name: str, clips: dict[str, Path], folder: Path, rounds: int) -> None:
    for mode in MODES:
        for case, path in clips.items():
            words = "one thread, the same scaling" if name == "av" else "one thread"
            against = f"{'PyAV' if name == 'av' else name} {peer.version}, {words}"
            try:
                times, frames = compare(peer, path, mode, folder, rounds, 0 if name == "av" else ALIKE)
            except NotRun as reason:
                emit(Row(f"frames {mode}", f"{case}, {name}", against, not_run=str(reason)))
                continue
            rates = [frames / seconds for seconds in times.medians]
            values = (*rates, "fps", times.ratio, times.cpu_ratio, 1.0)
            emit(Row(f"frames {mode}", f"{case}, {name}", against, *values, rounds=times.rounds))


def main(rounds: int) -> None:
    python = peer_env.python("decoders", "av")
    clips = {case: films.clip(case) for case in ("720p GOP 250", "720p GOP 48")} | {
        case: films.clip(case) for case in films.LARGE
    }
    one_core()
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder,
        tempfile.TemporaryDirectory() as links,
    ):
        libraries = ffmpeg_of_pyav(python, Path(links))
        for name in PEERS:
            try:
                peer = Peer(python, name, libraries if name == "torchcodec" else "")
                rows(peer, name, clips, Path(folder), rounds)
                peer.close()
            except NotRun as reason:
                emit(Row("frames", name, not_run=str(reason)))


if __name__ == "__main__":
    assert version("av")
    begin(main, "frames")
