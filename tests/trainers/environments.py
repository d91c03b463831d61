"""Environments of other people's trainers, made by `make prepare TIERS=trainers` once per lock file; not imported here.

Each wants packages that would not live beside ours (torch, another pyarrow, numpy 1.23), so each is an interpreter of
its own that runs a script of `readers/` and prints what it saw. A lock is the output of
`uv pip compile --generate-hashes --python-version 3.11 --no-header --no-annotate` on Linux; `--no-emit-package`
leaves out torch and what it needs, where the suite's torch is used, and clients of clouds.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.cache import CACHE as TOOLS
from tools.cache import locked
from tools.command import output
from tools.tool import not_prepared
from torch_home import torch_home

HERE = Path(__file__).parent
CACHE = TOOLS / "trainers"
PYTHON = "3.11"
FFMPEG = "ffmpeg"
"""Folder of an environment with links to FFmpeg's libraries."""
WITH_TORCH = frozenset({"energon", "lance", "lerobot", "mds"})
"""Those that use the suite's torch, by its path, instead of a copy of their own."""


def names() -> list[str]:
    """Of all environments."""
    return sorted(path.stem for path in (HERE / "locks").glob("*.txt"))


def interpreter(name: str) -> Path:
    """The Python of `locks/<name>.txt`. Raises Unavailable."""
    if not ((home := _home(name)) / ".ready").exists():
        raise not_prepared(f"the environment {name}", "trainers")
    return home / "bin" / "python"


def make(name: str) -> None:
    """Install an environment that is missing. Raises Unavailable."""
    home = _home(name)
    with locked(CACHE / f"{name}.lock"):
        if not (home / ".ready").exists():
            uv, lock = Path(sys.executable).with_name("uv"), HERE / "locks" / f"{name}.txt"
            shutil.rmtree(home, ignore_errors=True)
            what = f"the installation of {lock.name}"
            output([uv, "venv", "--quiet", "--python", PYTHON, home], what)
            target = ["--python", home / "bin" / "python", "--no-deps", "--require-hashes", "-r", lock]
            output([uv, "pip", "install", "--quiet", *target], what)
            if name in WITH_TORCH:
                (home / f"lib/python{PYTHON}/site-packages/torch.pth").write_text(f"{torch_home()}\n")
            _name_ffmpeg(home)
            (home / ".ready").touch()


def _name_ffmpeg(home: Path) -> None:
    """Links to PyAV's FFmpeg by the names of its libraries, by which torchcodec finds it."""
    (home / FFMPEG).mkdir()
    for path in home.glob("lib/python*/site-packages/av.libs/*"):
        (home / FFMPEG / path.name).symlink_to(path)
        if found := re.fullmatch(r"(lib(?:av|sw)\w+)-\w+(\.so\.\d+)[.\d]*", path.name):
            (home / FFMPEG / f"{found[1]}{found[2]}").symlink_to(path)


def _home(name: str) -> Path:
    lock = HERE / "locks" / f"{name}.txt"
    return CACHE / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"


def seen_by(name: str, *arguments: object, reader: str = "") -> Any:
    """What `readers/<reader>.py` (by default of the environment's name) prints as its last line, JSON."""
    return last_line(start_reader(name, *arguments, reader=reader))


def start_reader(name: str, *arguments: object, reader: str = "") -> "subprocess.Popen[str]":
    """A running `readers/<reader>.py`, which may wait for a line."""
    script = HERE / "readers" / f"{reader or name}_reader.py"
    return subprocess.Popen(
        [interpreter(name), script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(os.environ.get("TMPDIR", "/tmp")),
        env={
            **os.environ,
            "PYTHONPATH": "",
            "LD_LIBRARY_PATH": str(_home(name) / FFMPEG),
            "HF_HUB_OFFLINE": "1",
            "HF_DATASETS_OFFLINE": "1",
        },
    )


def last_line(process: "subprocess.Popen[str]", given: str = "") -> Any:
    """The JSON in the last line of a reader that gets `given` and ends."""
    out, err = process.communicate(given)
    if process.returncode:
        raise AssertionError(f"{process.args} ended with {process.returncode}:\n{err[-3000:]}")
    return json.loads(out.splitlines()[-1])
