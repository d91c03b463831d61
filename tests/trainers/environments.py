"""Environments of other people's trainers, made once per lock file by uv and cached for the user; never imported here.

Each wants packages that would not live beside ours (torch, another pyarrow, numpy 1.23), so each is an interpreter of
its own that runs a script of `readers/` and prints what it saw.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "reelmill" / "trainers"
PYTHON = "3.11"


def interpreter(name: str) -> Path:
    """The Python of `locks/<name>.txt`, installed when it is missing."""
    lock = HERE / "locks" / f"{name}.txt"
    home = CACHE / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (home / ".ready").exists():
            uv = str(Path(sys.executable).with_name("uv"))
            shutil.rmtree(home, ignore_errors=True)
            for arguments in (
                ("venv", "--quiet", "--python", PYTHON, str(home)),
                ("pip", "install", "--quiet", "--python", str(home / "bin" / "python"), "-r", str(lock)),
            ):
                subprocess.run([uv, *arguments], check=True)
            (home / ".ready").touch()
    return home / "bin" / "python"


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


if __name__ == "__main__":
    for one in sys.argv[1:] or sorted(path.stem for path in (HERE / "locks").glob("*.txt")):
        print(interpreter(one))
