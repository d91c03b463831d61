"""video2dataset 1.3 in an environment of its own.

It wants Python 3.11, `pyarrow<17` and `numpy<2` (with newer ones it does not import), and ffmpeg and ffprobe on PATH.
"""

import json
import shutil
import subprocess
import tarfile
from pathlib import Path

from bench import peer_env
from bench.row import NotRun

JOB = Path(__file__).with_name("v2d_job.py")


def python() -> Path:
    """The environment's Python. Raises NotRun where it cannot be had."""
    for tool in ("ffmpeg", "ffprobe"):
        if not shutil.which(tool):
            raise NotRun(f"video2dataset needs {tool} on PATH")
    return peer_env.python("v2d", "video2dataset")


def chain(interpreter: Path, videos: list[Path], spans: list[tuple[float, float]], folder: Path) -> None:
    """Clips and frames of all videos. Raises ValueError where it lost clips."""
    table = folder / "videos.json"
    rows = [{"url": str(path), "caption": path.stem, "clips": spans} for path in videos]
    table.write_text(json.dumps(rows))
    log = folder / "log"
    with log.open("wb") as file:
        done = subprocess.run([interpreter, JOB, table, folder], stdout=file, stderr=file, cwd=folder, check=False)
    for step in ("clips", "frames"):
        found = sum(_videos(path) for path in (folder / step).glob("*.tar"))
        if done.returncode or found != len(videos) * len(spans):
            tail = log.read_text(errors="replace")[-1500:]
            raise ValueError(f"video2dataset made {found} {step} of {len(videos) * len(spans)}: {tail}")


def _videos(path: Path) -> int:
    with tarfile.open(path) as tar:
        return sum(name.endswith(".mp4") for name in tar.getnames())
