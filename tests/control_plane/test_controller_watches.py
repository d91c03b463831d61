"""Watches that break, and what happened while nobody watched."""

import time
from pathlib import Path

import pytest

from cluster import kubeconfig
from cluster.control_plane import ControlPlane
from control_plane.operators import running, until
from control_plane.pipelines import KIND, Desk, holds, resource
from control_plane.test_controller_faults import as_if_nothing_had_happened
from control_plane.wire import Wire, wired

pytestmark = [
    pytest.mark.control_plane,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # connections end torn here
]


def through(wire: Wire, config: Path) -> Path:
    access = kubeconfig.read(config)
    return kubeconfig.write(config.with_suffix(".wired"), kubeconfig.Access(wire.address, access.token, access.ca))


def test_a_run_goes_on_though_every_connection_breaks_each_second(
    desk: Desk, config: Path, defined: ControlPlane
) -> None:
    with wired(desk.client.access.server) as wire, running(through(wire, config), namespaces=(desk.namespace,)):
        desk.apply(resource())
        end = time.monotonic() + 120
        while not holds(desk.get(), "Complete"):
            assert time.monotonic() < end
            time.sleep(1)
            wire.cut()
    as_if_nothing_had_happened(desk)


def test_what_vanished_while_nobody_watched_is_no_ghost_afterwards(
    desk: Desk, config: Path, defined: ControlPlane
) -> None:
    with wired(desk.client.access.server) as wire, running(through(wire, config), namespaces=(desk.namespace,)) as one:
        desk.apply(resource())
        desk.wait_for("Complete")
        uid = desk.get()["metadata"]["uid"]
        wire.down = True
        wire.cut()
        desk.client.delete(KIND, "demo", desk.namespace)
        until(lambda: not desk.jobs(), 60, "the Jobs to go")
        wire.down = False
        cache = one.operator.cache
        until(lambda: not len(cache.pipelines) and not len(cache.jobs), 60, "the ghosts to go")
        desk.apply(resource())
        desk.wait_for("Complete")
        assert desk.get()["metadata"]["uid"] != uid
