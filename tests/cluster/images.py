"""The two images that the cluster itself brings: the pause container, and a shell for tests."""

import os
import shutil
import subprocess
from pathlib import Path

from cluster import build, oci_archive
from cluster.node import PAUSE
from cluster.packages import search_path
from cluster.unavailable import Unavailable

SHELL = "reelmill.test/shell:1"
"""busybox, and nothing else."""
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
    """Archive of the pause image."""
    archive = build.CACHE / "pause-1.tar"
    if not archive.exists():
        unfinished = archive.with_suffix(f".{os.getpid()}")
        oci_archive.write(unfinished, PAUSE, {"/pause": build.compiled("pause", WAIT)}, entrypoint=["/pause"])
        unfinished.rename(archive)
    return archive


def shell() -> Path:
    """Archive of the shell image."""
    archive = build.CACHE / "shell-1.tar"
    if not archive.exists():
        busybox = shutil.which("busybox", path=search_path())
        if not busybox:
            raise Unavailable("busybox is not on PATH")
        unfinished = archive.with_suffix(f".{os.getpid()}")
        applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
        links = {f"/bin/{name}": "busybox" for name in applets if name != "busybox"}
        oci_archive.write(unfinished, SHELL, {"/bin/busybox": Path(busybox)}, entrypoint=["/bin/sh"], links=links)
        unfinished.rename(archive)
    return archive
