"""Clusters by hand: `make cluster` starts one and prints its KUBECONFIG, `make cluster-down` ends all of them.

`python -m cluster up [--control-plane]`, `down`, with tests/ on PYTHONPATH, after `make prepare`. A cluster by hand is
held by a process of its own, which ends it on SIGTERM.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from typing import NoReturn

from cluster import launch
from cluster.instance import ROOT, instances
from cluster.unavailable import Unavailable

LOG = ROOT / "by-hand.log"


def up(*, nodes: bool) -> None:
    """Start a cluster and say how to use it."""
    ROOT.mkdir(parents=True, exist_ok=True)
    with LOG.open("a") as log:
        size = LOG.stat().st_size
        holder = subprocess.Popen(
            [sys.executable, "-m", "cluster", "hold", *(() if nodes else ("--control-plane",))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    assert holder.stdout is not None
    if not (config := holder.stdout.readline().strip()):
        sys.exit(LOG.read_text()[size:].strip() or "the cluster did not start")
    print(f"export KUBECONFIG={config}")


def hold(*, nodes: bool) -> None:
    """Hold a cluster until SIGTERM."""

    def end(*_: object) -> NoReturn:
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    with launch.nodes() if nodes else launch.control_plane() as cluster:
        plane = cluster.plane if nodes else cluster
        (plane.folder / "by-hand").write_text(str(os.getpid()))
        print(plane.kubeconfig, flush=True)
        signal.pause()


def down() -> None:
    """End every cluster that was started by hand."""
    for instance in instances():
        try:
            pid = int((instance.folder / "by-hand").read_text())
            os.kill(pid, signal.SIGTERM)
        except (OSError, ValueError):
            continue
        while instance.folder.exists():
            time.sleep(0.1)
        print(f"ended cluster {instance.number}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m cluster", description=__doc__)
    parser.add_argument("what", choices=["up", "down", "hold"])
    parser.add_argument("--control-plane", action="store_true", help="without nodes; needs no root")
    given = parser.parse_args()
    try:
        if given.what == "up":
            up(nodes=not given.control_plane)
        elif given.what == "hold":
            hold(nodes=not given.control_plane)
        else:
            down()
    except Unavailable as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
