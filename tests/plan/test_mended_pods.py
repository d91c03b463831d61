"""Pods that wait for what will not come, under a spec that was edited: other pods take their place, once."""

from typing import Any

import pytest

from reelmill.plan import DeleteJob
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

GPU = {"count": 1, "products": ["NVIDIA-H100"]}
CLIPS: dict[str, Any] = {"name": "clips", "clip": {"by": "length"}, "gpu": GPU}
MENDED = [{**CLIPS, "gpu": {**GPU, "products": ["NVIDIA-L4"]}}]


def at_step(letter: str) -> tuple[SimulatedCluster, str]:
    """A cluster where a Job of this step (v, o, s, c, w) is the live one."""
    kind = SimulatedCluster if letter == "w" else SimulatedCluster.in_three_steps
    made = kind(pipeline([CLIPS]), SymbolicStore(bucket={"raw": ["a", "b"]}))
    for _ in range(50):
        made.deliver_all()
        made.reconcile()
        made.deliver_all()
        (live,) = made.live()
        if live.rpartition("-")[2].startswith(letter):
            return made, live
        made.advance(live)
    raise AssertionError(letter)


def deleted(made: SimulatedCluster) -> list[str]:
    made.deliver_all()
    return [action.name for action in made.reconcile().actions if isinstance(action, DeleteJob)]


@pytest.mark.parametrize("letter", "voscw")
def test_a_job_whose_pods_wait_is_replaced_once_the_spec_asks_for_other_pods(letter: str) -> None:
    made, live = at_step(letter)
    made.waiting = {live: "0/2 nodes are available"}
    assert deleted(made) == []
    made.edit(stages=MENDED, defaults={"image": "mended:1"})
    assert deleted(made) == [live]
    made.settle()
    assert made.status.holds("Complete")
    assert made.status.stage("clips").totals.done == 2


@pytest.mark.parametrize("letter", "sw")
def test_a_job_whose_pods_run_is_left_to_finish(letter: str) -> None:
    made, live = at_step(letter)
    made.edit(stages=MENDED)
    assert deleted(made) == []
    assert live in made.live()


@pytest.mark.parametrize("letter", "sw")
def test_what_pods_do_not_show_replaces_nothing(letter: str) -> None:
    made, live = at_step(letter)
    made.waiting = {live: "0/2 nodes are available"}
    made.edit(ttl={"succeeded": "2h"}, limits={"maxActiveStages": 3})
    assert deleted(made) == []
