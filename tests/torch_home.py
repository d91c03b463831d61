"""The folder with torch for the tests that need it, outside of the environment so that no other test imports it.

A few GB, installed by `make prepare` once for each lock file. Run as a script it prints the folder, for PYTHONPATH.
"""

import hashlib
import shutil
import sys
from pathlib import Path

from tools.cache import CACHE, locked
from tools.command import output
from tools.tool import not_prepared

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements-torch.lock"


def torch_home() -> Path:
    """The folder to put on the module path. Raises Unavailable."""
    if not (home := _home()).exists():
        raise not_prepared("torch", "store")
    return home


def make_torch_home() -> None:
    """Install torch, if it is missing. Raises Unavailable."""
    home = _home()
    with locked(home.with_suffix(".lock")):
        if not home.exists():
            unfinished = home.with_suffix(".tmp")
            shutil.rmtree(unfinished, ignore_errors=True)
            uv = Path(sys.executable).with_name("uv")
            command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", unfinished]
            command += ["--require-hashes", "-r", LOCK]
            output(command, f"the installation of {LOCK.name}")
            unfinished.rename(home)


def _home() -> Path:
    name = f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}-py{sys.version_info.major}{sys.version_info.minor}"
    return CACHE / "torch" / name


if __name__ == "__main__":
    print(torch_home())
