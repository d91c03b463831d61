"""video2dataset 1.3 in an environment of its own, made once per machine by uv and kept in the user's cache.

It wants Python 3.11, `pyarrow<17` and `numpy<2` (with newer ones it does not import), and ffmpeg and ffprobe on PATH.
`v2d.lock` is what `uv pip compile --generate-hashes --python-version 3.11 --no-header --no-annotate` makes of `v2d.in`.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from bench.row import NotRun

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reelmill" / "v2d"
LOCK = Path(__file__).with_name("v2d.lock")
JOB = Path(__file__).with_name("v2d_job.py")


def python() -> Path:
    """The environment's Python. Raises NotRun where it cannot be had."""
    for tool in ("ffmpeg", "ffprobe"):
        if not shutil.which(tool):
            raise NotRun(f"video2dataset needs {tool} on PATH")
    found = CACHE / "bin" / "python"
    if not (CACHE / ".ready").exists() and not _imports(found):
        uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
        for arguments in (
            ("venv", "--quiet", "--clear", "--python", "3.11", str(CACHE)),
            ("pip", "install", "--quiet", "--python", str(found), "--require-hashes", "-r", str(LOCK)),
        ):
            try:
                subprocess.run([uv, *arguments], check=True, capture_output=True, text=True)
            except FileNotFoundError as error:
                raise NotRun("video2dataset is installed by uv, which is not here") from error
            except subprocess.CalledProcessError as error:
                said = (error.stderr.strip().splitlines() or ["no message"])[-1]
                raise NotRun(f"video2dataset could not be installed: {said[:200]}") from error
        if not _imports(found):
            raise NotRun("video2dataset was installed but does not import")
    (CACHE / ".ready").touch()
    return found


def _imports(found: Path) -> bool:
    return found.exists() and not subprocess.run([found, "-c", "import video2dataset"], capture_output=True).returncode


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
