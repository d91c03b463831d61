"""Start of whole clusters, from the programs built by `make prepare` to a working kubeconfig."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from cluster import box, build, kwok, packages
from cluster.control_plane import ControlPlane
from cluster.nodes import Cluster
from cluster.unavailable import Unavailable


@contextmanager
def control_plane(kubernetes: str = "") -> Iterator[ControlPlane]:
    """A control plane with kwok's fake nodes, on loopback; needs no root. Raises Unavailable."""
    programs = build.find((*build.CONTROL_PLANE, "kwok"), kubernetes)
    with box.opened(closed=False) as here:
        plane = ControlPlane(here, programs)
        plane.start()
        kwok.start(plane)
        yield plane


@contextmanager
def nodes(kubernetes: str = "") -> Iterator[Cluster]:
    """A boxed cluster with two real nodes. Raises Unavailable."""
    version = kubernetes or build.version()
    packages.find(packages.NODES)
    _check_runtime(version)
    programs = build.find((*build.CONTROL_PLANE, *build.NODES), version)
    with box.opened(closed=True) as here:
        cluster = Cluster(ControlPlane(here, programs))
        cluster.start()
        yield cluster


def _check_runtime(version: str) -> None:
    """Raises Unavailable if containerd is older than 2.0, which kubelets from 1.36 on require."""
    said = subprocess.run(["containerd", "--version"], capture_output=True, text=True).stdout
    found = re.search(r"(\d+)\.\d+\.\d+", said)
    if int(version.split(".")[1]) >= 36 and found and int(found[1]) < 2:
        raise Unavailable(f"nodes of Kubernetes {version} need containerd 2, and this machine has {found[0]}")
