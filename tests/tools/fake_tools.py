"""Fake tools: files in a folder, and a compiler that is a shell script."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

from rich.console import Console

from cluster.unavailable import Unavailable
from repo.tree import ROOT
from tools.tool import Lane, Tool

GO = """#!/bin/sh
echo "$@" >> "$FAKE_GO.calls"
[ "$1" = install ] || exit 0
name=${2%@*}
mkdir -p "$GOBIN"
echo half > "$GOBIN/${name##*/}"
if [ -e "$FAKE_GO.hangs" ]; then sleep 600; fi
if [ -e "$FAKE_GO.fails" ]; then echo "undefined: everything" >&2; exit 2; fi
echo whole > "$GOBIN/${name##*/}"
"""


class Bench:
    """Makes tools and records the order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[str] = []

    def tool(
        self,
        name: str,
        *needs: str,
        lane: Lane = Lane.DOWNLOAD,
        fails: str = "",
        during: Callable[[], object] = lambda: None,
    ) -> Tool:
        path = self.folder / name

        def find() -> None:
            if not path.exists():
                raise Unavailable(f"{name} is missing")

        def make() -> None:
            during()
            self.made.append(name)
            if fails:
                raise Unavailable(fails)
            path.touch()

        return Tool(name, lane, find, make, needs)


def console(*, terminal: bool = False) -> tuple[Console, StringIO]:
    """A console and its output."""
    shown = StringIO()
    return Console(file=shown, force_terminal=terminal, width=200), shown


def meeting() -> Callable[[], object]:
    """Returns when it is called by two threads at once; raises BrokenBarrierError if that does not happen."""
    barrier = threading.Barrier(2)
    return lambda: barrier.wait(60)


class Machine:
    """An empty cache, and a Go that is a script."""

    def __init__(self, folder: Path) -> None:
        self.go, self.cache = folder / "bin" / "go", folder / "cache"
        self.go.parent.mkdir()
        self.go.write_text(GO)
        self.go.chmod(0o755)
        path = f"{self.go.parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(self.cache), "FAKE_GO": str(self.go), "PATH": path}
        self.environment |= {"PYTHONPATH": str(ROOT / "tests"), "K8S": "", "REELMILL_REQUIRE": ""}

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """`python WORD …` on this machine."""
        return subprocess.Popen(
            [sys.executable, *words],
            env=self.environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str]:
        """Exit status and output of `python WORD …`."""
        with self.start(*words) as process:
            said = process.communicate()[0]
        return process.returncode, said

    def program(self, name: str) -> Path:
        """The path at which tests expect a program of the cluster."""
        (folder,) = self.cache.glob("reelmill/cluster/k8s-*")
        return folder / name

    @property
    def calls(self) -> Sequence[str]:
        """The arguments of all calls of Go."""
        log = Path(f"{self.go}.calls")
        return log.read_text().splitlines() if log.exists() else ()
