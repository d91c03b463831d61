"""The two images of the test cluster: the pause container, and a shell for tests."""

import os
import shutil
import subprocess
from pathlib import Path

from cluster import build, oci_archive
from cluster.node import PAUSE
from cluster.packages import search_path
from cluster.unavailable import Unavailable
from tools.tool import not_prepared

SHELL = "reelmill.test/shell:1"
"""Image with only busybox."""
WAIT = """package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	<-ended
}
"""


def pause() -> Path:
    """Archive of the pause image. Raises Unavailable."""
    return _found("pause")


def shell() -> Path:
    """Archive of the shell image. Raises Unavailable."""
    return _found("shell")


def make_pause() -> None:
    """Write the pause image's archive. Raises Unavailable."""
    archive = _archive("pause")
    unfinished = archive.with_suffix(f".{os.getpid()}")
    oci_archive.write(unfinished, PAUSE, {"/pause": build.compiled("pause", WAIT)}, entrypoint=["/pause"])
    unfinished.rename(archive)


def make_shell() -> None:
    """Write the shell image's archive. Raises Unavailable."""
    busybox = shutil.which("busybox", path=search_path())
    if not busybox:
        raise Unavailable("busybox is not on PATH")
    archive = _archive("shell")
    archive.parent.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_suffix(f".{os.getpid()}")
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    links = {f"/bin/{name}": "busybox" for name in applets if name != "busybox"}
    oci_archive.write(unfinished, SHELL, {"/bin/busybox": Path(busybox)}, entrypoint=["/bin/sh"], links=links)
    unfinished.rename(archive)


def _archive(name: str) -> Path:
    return build.CACHE / f"{name}-1.tar"


def _found(name: str) -> Path:
    if not (archive := _archive(name)).exists():
        raise not_prepared(f"the image {name}", "nodes")
    return archive
