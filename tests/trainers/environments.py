"""Environments of other people's trainers, made by `make prepare TIERS=trainers` once per lock file; not imported here.

Each wants packages that would not live beside ours (torch, another pyarrow, numpy 1.23), so each is an interpreter of
its own that runs a script of `readers/` and prints what it saw. A lock is the output of
`uv pip compile --generate-hashes --python-version 3.11 --no-header --no-annotate` on Linux.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.cache import CACHE as TOOLS
from tools.cache import locked
from tools.command import output
from tools.tool import not_prepared

HERE = Path(__file__).parent
CACHE = TOOLS / "trainers"
PYTHON = "3.11"


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
            target = ["--python", home / "bin" / "python", "--require-hashes", "-r", lock]
            output([uv, "pip", "install", "--quiet", *target], what)
            (home / ".ready").touch()


def _home(name: str) -> Path:
    lock = HERE / "locks" / f"{name}.txt"
    return CACHE / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"


def seen_by(name: str, *arguments: object, reader: str = "") -> Any:
    """What `readers/<reader>.py` (by default of the environment's name) prints as its last line, JSON."""
    script = HERE / "readers" / f"{reader or name}_reader.py"
    home = Path(os.environ.get("TMPDIR", "/tmp"))
    done = subprocess.run(
        [interpreter(name), script, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=home,
        env={**os.environ, "PYTHONPATH": "", "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"},
    )
    if done.returncode:
        raise AssertionError(f"{script.name} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])
