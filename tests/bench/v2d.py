"""video2dataset 1.3 in a separate environment.

It requires Python 3.11, `pyarrow<17` and `numpy<2` (it cannot be imported with newer ones), and ffmpeg and ffprobe on
PATH; otherwise, ffmpeg comes from imageio-ffmpeg and ffprobe from the npm package `@ffprobe-installer/linux-x64`.
"""

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import imageio_ffmpeg

from bench import peer_env
from bench.row import NotRun

JOB = Path(__file__).with_name("v2d_job.py")
FFPROBE = "@ffprobe-installer/linux-x64@5.2.0"
TOOLS = peer_env.CACHE / "v2d-tools"


def python() -> Path:
    """The environment's Python. Raises NotRun if Python, ffmpeg or ffprobe is not available."""
    (TOOLS / "bin").mkdir(parents=True, exist_ok=True)
    _link("ffmpeg", shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe())
    _link("ffprobe", shutil.which("ffprobe") or _ffprobe())
    return peer_env.python("v2d", "video2dataset")


def _link(name: str, program: str) -> None:
    link = TOOLS / "bin" / name
    link.unlink(missing_ok=True)
    link.symlink_to(program)


def _ffprobe() -> str:
    program = TOOLS / "node_modules" / "@ffprobe-installer" / "linux-x64" / "ffprobe"
    if not program.exists():
        npm = ["npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", TOOLS, FFPROBE]
        try:
            subprocess.run(npm, check=True, capture_output=True)
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            raise NotRun("video2dataset needs ffprobe on PATH, or npm to install it") from error
    program.chmod(0o755)
    return str(program)


def chain(interpreter: Path, videos: list[Path], spans: list[tuple[float, float]], folder: Path) -> None:
    """Make clips and frames of all videos. Raises ValueError if clips are missing."""
    table = folder / "videos.json"
    rows = [{"url": str(path), "caption": path.stem, "clips": spans} for path in videos]
    table.write_text(json.dumps(rows))
    log = folder / "log"
    env = {**os.environ, "PATH": f"{TOOLS / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    with log.open("wb") as file:
        done = subprocess.run(
            [interpreter, JOB, table, folder], stdout=file, stderr=file, cwd=folder, env=env, check=False
        )
    for step in ("clips", "frames"):
        found = sum(_videos(path) for path in (folder / step).glob("*.tar"))
        if done.returncode or found != len(videos) * len(spans):
            tail = log.read_text(errors="replace")[-1500:]
            raise ValueError(f"video2dataset made {found} {step} of {len(videos) * len(spans)}: {tail}")


def _videos(path: Path) -> int:
    with tarfile.open(path) as tar:
        return sum(name.endswith(".mp4") for name in tar.getnames())
