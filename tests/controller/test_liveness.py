"""Liveness: what is no progress fails it, what is no illness of ours does not."""

import pytest

from reelmill.controller.monitoring.health import PASS_SECONDS, WAIT_SECONDS, WATCH_SECONDS, Health
from reelmill.controller.state.queue import WorkQueue


class Rig:
    def __init__(self) -> None:
        self.now = 0.0
        self.queue = WorkQueue(clock=lambda: self.now, chance=lambda: 0.5)
        self.health = Health(lambda: self.now)

    @property
    def illness(self) -> str:
        return self.health.illness(self.queue)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_nothing_to_do_is_well(rig: Rig) -> None:
    rig.now = 10**6
    assert rig.illness == ""


def test_a_pass_that_does_not_end_is_ill(rig: Rig) -> None:
    rig.queue.add("team/demo")
    rig.queue.take()
    rig.now = PASS_SECONDS
    assert rig.illness == ""
    rig.now += 1
    assert "team/demo" in rig.illness
    rig.queue.done("team/demo")
    assert rig.illness == ""


def test_a_queue_without_workers_is_unhealthy(rig: Rig) -> None:
    rig.queue.add("team/demo")
    rig.now = WAIT_SECONDS + 1
    assert "queue" in rig.illness
    rig.queue.take()
    assert rig.illness == ""


def test_a_long_queue_that_is_served_is_well(rig: Rig) -> None:
    rig.queue.add("a")
    rig.queue.add("b")
    rig.now = WAIT_SECONDS + 1
    rig.queue.take()
    assert rig.illness == ""


def test_watches_without_a_sign_are_ill(rig: Rig) -> None:
    rig.health.watch_sign()
    rig.now = WATCH_SECONDS + 1
    assert "watches" in rig.illness
    rig.health.watch_sign()
    assert rig.illness == ""
