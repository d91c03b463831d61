"""Makes a release as `make release` does, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from repo.tree import ROOT

LIGHT = "packages,chart,crd,sbom,notes"
"""What needs nothing but the environment."""


def release(out: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The finished process, whatever its exit status."""
    command = [sys.executable, str(ROOT / "release"), "--out", str(out), *words]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, umask=0o077)


def made(out: Path, *words: str, **environment: str) -> Path:
    """The folder of a release. Raises AssertionError if it cannot be made."""
    done = release(out, *words, **environment)
    assert done.returncode == 0, done.stderr
    return out
