"""Where the tests that need torch find it: a folder beside the environment, so that no other test can import it.

Run as a script it prints the folder, for PYTHONPATH. A few GB, installed once for each lock file.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements-torch.lock"
HOME = Path.home() / ".cache" / "reelmill" / "torch"


def torch_home() -> Path:
    """The folder to put on the module path; made when it is missing."""
    name = f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}-py{sys.version_info.major}{sys.version_info.minor}"
    home = HOME / name
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / f"{name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not home.exists():
            _install(home)
    return home


def _install(home: Path) -> None:
    unfinished = home.with_suffix(".tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    uv = Path(sys.executable).with_name("uv")
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", unfinished, "-r", LOCK]
    subprocess.run(list(map(str, command)), check=True)
    unfinished.rename(home)


if __name__ == "__main__":
    print(torch_home())
