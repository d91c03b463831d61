"""Fixtures for a control plane and a cluster with nodes, each started once per session.

REELMILL_KUBECONFIG selects an existing cluster. If the machine cannot run a cluster, tests are skipped with the reason;
with REELMILL_REQUIRE, they fail instead (see `tiers`). The variable K8S selects the Kubernetes version.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from cluster import launch
from cluster.client import Client
from cluster.control_plane import ControlPlane
from cluster.existing import Existing
from cluster.nodes import Cluster
from cluster.unavailable import Unavailable


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane | Existing]:
    """A control plane with kwok. Tests carry the mark `control_plane`."""
    with _launched(launch.control_plane, "control-plane") as plane:
        yield plane


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster | Existing]:
    """A cluster with the nodes `reel-cpu` and `reel-gpu`. Tests carry the mark `nodes`."""
    with _launched(launch.nodes, "nodes") as cluster:
        yield cluster


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh namespace in the cluster that the test uses."""
    fixture = "cluster" if request.node.get_closest_marker("nodes") else "control_plane"
    client: Client = request.getfixturevalue(fixture).client
    with client.namespace() as name:
        yield name


@contextmanager
def _launched(launcher: Callable[[], AbstractContextManager[Any]], tier: str) -> Iterator[Any]:
    if config := os.environ.get("REELMILL_KUBECONFIG"):
        yield Existing(Path(config))
        return
    with _explained(tier):
        context = launcher()
        running = context.__enter__()
    try:
        yield running
    finally:
        context.__exit__(None, None, None)


@contextmanager
def _explained(tier: str) -> Iterator[None]:
    try:
        yield
    except Unavailable as problem:
        required = os.environ.get("REELMILL_REQUIRE", "").split(",")
        (pytest.fail if tier in map(str.strip, required) else pytest.skip)(str(problem))
