"""Our conditions through kstatus' rules: InProgress while work is to come, Failed when a person is needed, Current."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kstatus_rules import kstatus
from reelmill.plan import Snapshot, reconcile
from reelmill.plan.deletion import FINALIZER
from reelmill.plan.status.serialise import as_json
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

CLIPS: dict[str, Any] = {"name": "clips", "clip": {"by": "length"}, "failures": {"tolerate": "1%"}}
SAMPLES: dict[str, Any] = {"name": "samples", "frames": {}}


def conditions(**values: str) -> list[dict[str, str]]:
    return [{"type": name, "status": value} for name, value in values.items()]


@pytest.mark.parametrize(
    ("metadata", "status", "verdict"),
    [
        ({}, {}, "Current"),
        ({"generation": 1}, {}, "Current"),
        ({"generation": 1}, {"observedGeneration": 1}, "Current"),
        ({"generation": 2}, {"observedGeneration": 1}, "InProgress"),
        ({"generation": 2}, {"observedGeneration": 1, "conditions": conditions(Stalled="True")}, "InProgress"),
        ({"generation": 1, "deletionTimestamp": "2026-01-01T00:00:00Z"}, {"observedGeneration": 0}, "Terminating"),
        ({}, {"conditions": conditions(Reconciling="True", Ready="True")}, "InProgress"),
        ({}, {"conditions": conditions(Stalled="True", Ready="True")}, "Failed"),
        ({}, {"conditions": conditions(Reconciling="True", Stalled="True")}, "InProgress"),
        ({}, {"conditions": conditions(Stalled="True", Reconciling="True")}, "Failed"),
        ({}, {"conditions": conditions(Reconciling="False", Stalled="False")}, "Current"),
        ({}, {"conditions": conditions(Reconciling="False", Stalled="False", Ready="True")}, "Current"),
        ({}, {"conditions": conditions(Ready="False")}, "InProgress"),
        ({}, {"conditions": conditions(Ready="Unknown")}, "InProgress"),
        ({}, {"conditions": conditions(Complete="False", Failed="True")}, "Current"),
    ],
)
def test_the_rules(metadata: dict[str, Any], status: dict[str, Any], verdict: str) -> None:
    assert kstatus({"metadata": metadata, "status": status}) == verdict


class Case:
    """A pipeline on its way, as a resource."""

    def __init__(self, *stages: dict[str, Any], **spec: Any) -> None:
        store = SymbolicStore(bucket={"raw": ["v0", "v1"]})
        self.cluster = SimulatedCluster(pipeline(list(stages) or [CLIPS], **spec), store)
        self.generation = 1

    def resource(self) -> dict[str, Any]:
        status = as_json(self.cluster.status) if self.cluster.status.conditions else {}
        return {"metadata": {"generation": self.generation}, "status": status}

    def until(self, holds: Callable[[], bool]) -> None:
        for _ in range(100):
            self.cluster.deliver_all()
            self.cluster.reconcile()
            if holds():
                return
            for name in self.cluster.live():
                self.cluster.advance(name)
        raise AssertionError("it never holds")

    def step(self, name: str, step: str) -> bool:
        work = self.cluster.status.stage(name).pass_
        return work is not None and work.step == step


def surveying() -> Case:
    case = Case()
    case.cluster.reconcile()
    return case


def at_work() -> Case:
    case = Case()
    case.until(lambda: case.step("clips", "shards"))
    return case


def complete() -> Case:
    case = Case()
    case.cluster.settle()
    return case


def edited() -> Case:
    case = complete()
    case.generation = 2
    return case


def edited_and_seen() -> Case:
    case = complete()
    case.cluster.edit_stage("clips", rerun="again")
    case.cluster.reconcile()
    return case


def looking_for_new_items_by_routine() -> Case:
    case = Case(CLIPS, refresh="6h")
    case.cluster.settle()
    case.cluster.now += timedelta(hours=7)
    case.cluster.reconcile()
    assert case.cluster.live(), "a survey"
    return case


def looking_for_new_items_because_asked() -> Case:
    case = complete()
    case.cluster.annotations = {"reelmill.dev/refresh": "now"}
    case.cluster.reconcile()
    return case


def paused() -> Case:
    case = at_work()
    case.cluster.edit(suspend=True)
    case.cluster.reconcile()
    return case


def refused() -> Case:
    case = Case({**CLIPS, "from": ["nothing"]})
    case.cluster.reconcile()
    return case


def no_bucket() -> Case:
    case = Case()
    case.cluster.store.exits["", "survey"] = [64] * 9
    case.until(lambda: case.cluster.status.holds("Stalled"))
    return case


def no_bucket_tried_again() -> Case:
    case = no_bucket()
    case.cluster.now += timedelta(minutes=2)
    case.cluster.reconcile()
    assert case.cluster.live(), "a survey"
    return case


def too_many_failed() -> Case:
    case = Case()
    case.cluster.store.failing["clips", "raw/v0"] = ["decode"]
    case.cluster.settle()
    return case


def too_many_failed_while_others_work() -> Case:
    case = Case(CLIPS, {**SAMPLES, "from": ["raw"], "shards": 2})
    case.cluster.store.failing["clips", "raw/v0"] = ["decode"]
    case.until(lambda: case.cluster.status.stage("clips").segments == 1)
    assert case.step("samples", "shards") or case.step("samples", "commit")
    return case


def in_other_hands() -> Case:
    case = Case()
    case.cluster.store.foreign.add("clips")
    case.until(lambda: case.cluster.status.stage("clips").shared > 0)
    return case


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (surveying, "InProgress"),
        (at_work, "InProgress"),
        (complete, "Current"),
        (edited, "InProgress"),
        (edited_and_seen, "InProgress"),
        (looking_for_new_items_by_routine, "Current"),
        (looking_for_new_items_because_asked, "InProgress"),
        (paused, "InProgress"),
        (refused, "Failed"),
        (no_bucket, "Failed"),
        (no_bucket_tried_again, "Failed"),
        (too_many_failed, "Failed"),
        (too_many_failed_while_others_work, "InProgress"),
        (in_other_hands, "InProgress"),
    ],
)
def test_every_situation_has_its_verdict(case: Callable[[], Case], verdict: str) -> None:
    made = case()
    assert kstatus(made.resource()) == verdict
    # Complete says the same as Ready, Failed is never True beside Reconciling or Complete.
    status = made.cluster.status
    assert status.holds("Complete") == status.holds("Ready")
    assert status.holds("Failed") <= (not status.holds("Reconciling") and not status.holds("Complete"))
    assert status.holds("Failed") == (verdict == "Failed")


def test_one_that_is_deleted_is_terminating_and_says_what_it_does() -> None:
    case = complete()
    case.cluster.edit(onDelete="Delete")
    snapshot = Snapshot(
        pipeline=case.cluster.pipeline, uid="uid-1", status=case.cluster.status, finalizers=(FINALIZER,),
        deleting=case.cluster.now,
    )  # fmt: skip
    status = reconcile(snapshot, case.cluster.now).status
    assert status.holds("Reconciling")
    assert not status.holds("Complete")
    gone = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": as_json(status)}
    assert kstatus(gone) == "Terminating"
