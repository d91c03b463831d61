"""Watches that break, and what happened while nobody watched."""

import gc
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import kubeconfig
from cluster.control_plane import ControlPlane
from control_plane.operators import running, until
from control_plane.pipelines import KIND, Desk, holds, resource
from control_plane.relay import relayed
from control_plane.test_controller_faults import as_if_nothing_had_happened
from control_plane.wire import Wire, wired

pytestmark = [
    pytest.mark.control_plane,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # connections end torn here
]


@pytest.fixture(autouse=True)
def torn_connections() -> Iterator[None]:
    """Those of a test are forgotten with it, and not in another one."""
    yield
    gc.collect()


def through(wire: Wire, config: Path) -> Path:
    access = kubeconfig.read(config)
    return kubeconfig.write(config.with_suffix(".wired"), kubeconfig.Access(wire.address, access.token, access.ca))


def test_a_run_continues_although_every_connection_breaks_each_second(
    desk: Desk, config: Path, defined: ControlPlane
) -> None:
    with wired(desk.client.access.server) as wire, running(through(wire, config), namespaces=(desk.namespace,)):
        desk.apply(resource())
        end = time.monotonic() + 300
        while not holds(desk.get(), "Complete"):
            assert time.monotonic() < end
            time.sleep(1)
            wire.cut()
    as_if_nothing_had_happened(desk)


def test_objects_deleted_while_nothing_watched_leave_the_cache(desk: Desk, config: Path, defined: ControlPlane) -> None:
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


def test_a_watch_whose_version_was_compacted_restarts_without_deleted_objects(
    desk: Desk, config: Path, defined: ControlPlane
) -> None:
    with relayed(config) as relay, running(relay.config, namespaces=(desk.namespace,)) as one:
        desk.apply(resource())
        desk.wait_for("Complete")
        begun = len(relay.watches)
        relay.hold()
        relay.end_watches()
        until(lambda: len(relay.watches) >= begun + 2, 60, "watches that go on where they were")
        desk.client.delete(KIND, "demo", desk.namespace)
        until(lambda: not desk.jobs(), 60, "the Jobs to go")
        defined.forget_history()
        defined.restart("kube-apiserver")
        relay.release()
        until(lambda: relay.expired, 60, "410 Gone")
        cache = one.operator.cache
        until(lambda: not len(cache.pipelines) and not len(cache.jobs), 60, "the ghosts to go")
        desk.apply(resource())
        desk.wait_for("Complete")


def test_a_run_continues_with_lists_while_watches_are_silent(desk: Desk, config: Path) -> None:
    with (
        relayed(config) as relay,
        running(relay.config, namespaces=(desk.namespace,), resync_seconds=1) as one,
    ):
        until(lambda: one.operator.health.ready and len(relay.watches) >= 2, 30, "watches")
        relay.hold()
        relay.end_watches()
        desk.apply(resource())
        desk.wait_for("Complete", seconds=180)
        assert relay.watches
    as_if_nothing_had_happened(desk)
