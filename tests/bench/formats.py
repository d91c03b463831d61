"""Benchmark of reading frames in torch from folders of `write` and `pack`, against folders written by each library.

Each library reads both, in its environment (`make prepare TIERS=trainers`), in one process. Both sides store files
unchanged, except LeRobot, whose recorder encodes pictures again: in H.264, as its videos here, with the same settings.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import footage
from bench.row import NotRun, Row, begin, emit
from bench.timing import Times, one_core
from pack.desk import packed, presented, video_item
from reelmill.contract.spec.stages.pack import PackBlock
from tools.tool import Unavailable
from torch_home import torch_home
from trainers.environments import FFMPEG, PYTHON, interpreter
from trainers.lance_home import use_lance
from write.desk import block, item, written

JOB = Path(__file__).with_name("formats_job.py")
VIDEOS, SECONDS, FPS, SIZE = 24, 2, 30, (320, 240)
RECORDED = ("-pix_fmt", "yuv420p", "-g", "2", "-crf", "30")
"""Settings with which LeRobot's recorder encodes."""
ENVIRONMENTS = {"parquet": "huggingface", "lance": "lance", "mds": "mds", "lerobot": "lerobot",
                "energon": "energon"}  # fmt: skip
AGAINST = {
    "parquet": "a file that datasets writes itself",
    "lance": "a data set that pylance writes itself",
    "mds": "shards that MDSWriter writes",
    "lerobot": "LeRobot's own recording of the same frames, in H.264 with the same settings",
    "webdataset": "a tar that webdataset's TarWriter writes",
    "energon": "tars of webdataset that Energon prepares itself",
}


def made(name: str, videos: list[Path], folder: Path) -> Path:
    """The videos in this format, by reelmill's stages."""
    if name in ("webdataset", "energon"):
        tars = PackBlock(samples_per_tar=8)
        items = packed(tars, [video_item(path, n, text="a") for n, path in enumerate(videos)], folder)
        if name == "energon":
            presented(tars, items, folder)
        return folder
    more = {"lerobot": {"fps": FPS, "width": SIZE[0], "height": SIZE[1]}} if name == "lerobot" else {}
    items = [item(path, number, text="a") for number, path in enumerate(videos)]
    return written(block(name, samplesPerFile=8, **more), items, folder).folder


def source_videos(folder: Path, options: tuple[str, ...]) -> list[Path]:
    """Copies of one video, encoded with these options, in a new folder."""
    folder.mkdir()
    video = footage.video(seconds=SECONDS, fps=FPS, size=SIZE, options=options)
    return [Path(shutil.copyfile(video, folder / f"{number:02d}.mp4")) for number in range(VIDEOS)]


def row(name: str, videos: list[Path], folder: Path, rounds: int) -> None:
    """Measure one row. Raises NotRun if the library is not prepared, and ValueError if frames are missing."""
    try:
        python = interpreter(ENVIRONMENTS[name]) if name in ENVIRONMENTS else Path(sys.executable)
        decoder = interpreter("lerobot").parents[1]
        torch = torch_home()
        if name == "lance":
            use_lance()
    except Unavailable as error:
        raise NotRun(str(error)) from error
    ours = made(name, videos, folder / "ours")
    # The decoder, PyAV, and torch come after the packages of the environment on the path.
    behind = f"import sys; sys.path += sys.argv[1:3]; sys.argv[1:3] = []; import runpy; runpy.run_path({str(JOB)!r}, "
    behind += "run_name='__main__')"
    packages = decoder / f"lib/python{PYTHON}/site-packages"
    command = [python, "-c", behind, packages, torch, name, ours, folder / "theirs", str(rounds), *videos]
    environment = {**os.environ, "PYTHONPATH": "", "LD_LIBRARY_PATH": str(decoder / FFMPEG), "HF_HUB_OFFLINE": "1",
                   "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(folder / "cache")}  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)
    if done.returncode:
        raise ValueError(f"{name}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    found = json.loads(done.stdout.splitlines()[-1])
    count = VIDEOS * SECONDS * FPS
    if any(frames != count for side in found.values() for *_, frames in side):
        raise ValueError(f"{name} gave other than {count} frames: {found}")
    (ours_wall, ours_cpu), (peer_wall, peer_cpu) = (
        ([took for took, _, _ in found[side]], [cpu for _, cpu, _ in found[side]]) for side in ("ours", "peer")
    )
    times = Times(ours_wall, peer_wall, ours_cpu, peer_cpu)
    rates = [count / statistics.median(cpu) for cpu in (ours_cpu, peer_cpu)]
    values = (*rates, "frames/CPU s", times.ratio, times.cpu_ratio, 0.95)
    emit(Row("formats", f"{name}, frames to a torch loop", AGAINST[name], *values, rounds=times.rounds))


def main(rounds: int) -> None:
    one_core()
    with tempfile.TemporaryDirectory() as folder_name:
        for name in AGAINST:
            folder = Path(folder_name) / name
            folder.mkdir()
            videos = source_videos(folder / "videos", RECORDED if name == "lerobot" else ())
            try:
                row(name, videos, folder, rounds)
            except NotRun as reason:
                emit(Row("formats", f"{name}, frames to a torch loop", not_run=str(reason)))


if __name__ == "__main__":
    begin(main, "formats")
