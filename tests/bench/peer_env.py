"""Python environments of peers, created once per machine by uv and kept in the user's cache.

`peers/NAME.lock` is the output of `uv pip compile --generate-hashes --python-version 3.11 --no-header --no-annotate`
for `peers/NAME.in`. `decoders.lock` is constrained by requirements-torch.lock, so that the machine has one torch.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.row import NotRun

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reelmill"
LOCKS = Path(__file__).with_name("peers")
TAIL = 200
"""Characters of an error that a row shows."""


def python(name: str, *imports: str) -> Path:
    """The Python of an environment in which these modules can be imported. Raises NotRun if it is not available."""
    home = CACHE / name
    found = home / "bin" / "python"
    if not (home / ".ready").exists():
        uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
        lock = str(LOCKS / f"{name}.lock")
        for arguments in (
            ("venv", "--quiet", "--clear", "--python", "3.11", str(home)),
            ("pip", "install", "--quiet", "--python", str(found), "--require-hashes", "-r", lock),
        ):
            try:
                subprocess.run([uv, *arguments], check=True, capture_output=True, text=True)
            except FileNotFoundError as error:
                raise NotRun(f"{name} is installed by uv, which is not here") from error
            except subprocess.CalledProcessError as error:
                raise NotRun(f"{name} could not be installed: {_last_line(error.stderr)}") from error
        (home / ".ready").touch()
    for module in imports:
        done = subprocess.run([found, "-c", f"import {module}"], capture_output=True, text=True)
        if done.returncode:
            raise NotRun(f"{name} was installed, but {module} does not import: {_last_line(done.stderr)}")
    return found


def _last_line(said: str) -> str:
    return (said.strip().splitlines() or ["no message"])[-1][:TAIL]
