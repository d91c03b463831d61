"""A pipeline with `onDelete: Delete` goes when its data is gone, and never stays for ever."""

from datetime import timedelta
from typing import Any

import pytest

from reelmill.contract.task import Failure, RemoveReport, Step
from reelmill.plan import CreateJob, DeleteJob, Plan, SetFinalizers, Snapshot, reconcile
from reelmill.plan.deletion import FINALIZER
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

CLIPS: dict[str, Any] = {"name": "clips", "clip": {"by": "length"}}


class Leaving:
    """A pipeline that ran and is being deleted."""

    def __init__(self, **spec: Any) -> None:
        self.cluster = SimulatedCluster(
            pipeline([CLIPS], **{"onDelete": "Delete", **spec}), SymbolicStore(bucket={"raw": ["v"]})
        )
        self.finalizers: tuple[str, ...] = ("other/finalizer", FINALIZER)
        self.since = self.cluster.now
        self.words: dict[str, tuple[str, str]] = {}

    def snapshot(self) -> Snapshot:
        made = self.cluster
        return Snapshot(
            pipeline=made.pipeline, uid=made.uid, status=made.status, jobs=list(made.visible.values()),
            reports=made.reports, deleting=self.since, finalizers=self.finalizers,
            waiting={name: text for name, (_, text) in self.words.items()},
            reasons={name: reason for name, (reason, _) in self.words.items()},
        )  # fmt: skip

    def step(self) -> Plan:
        plan = reconcile(self.snapshot(), self.cluster.now)
        self.cluster.apply(plan)
        for action in plan.actions:
            if isinstance(action, SetFinalizers):
                self.finalizers = action.names
        self.cluster.deliver_all()
        return plan

    @property
    def job(self) -> str:
        removal = self.cluster.status.removal
        return removal.job if removal else ""

    def fail(self) -> None:
        """The removal's Job cannot reach the store."""
        name = self.job
        failure = Failure(step=Step.REMOVE, error="StoreUnreachable", message="s3 is away", hint="start it")
        self.cluster.reports[name] = failure.model_dump_json()
        self.cluster.jobs[name]["status"]["conditions"] = [{"type": "Failed", "status": "True", "message": "x"}]
        self.cluster.deliver_all()


def test_a_finalizer_is_there_with_delete_and_only_then() -> None:
    for policy, before, after in (
        ("Delete", (), (FINALIZER,)),
        ("Delete", (FINALIZER,), None),
        ("Keep", (), None),
        ("Keep", ("a/b", FINALIZER), ("a/b",)),
    ):
        snapshot = Snapshot(pipeline=pipeline([CLIPS], onDelete=policy), uid="u", finalizers=before)
        actions = reconcile(snapshot, SimulatedCluster(snapshot.pipeline).now).actions
        set_to = [action.names for action in actions if isinstance(action, SetFinalizers)]
        assert set_to == ([after] if after is not None else [])
        assert isinstance(actions[-1], CreateJob)


def test_pods_stop_before_the_data_are_removed_and_the_resource_is_last() -> None:
    made = Leaving()
    made.cluster.reconcile()
    made.cluster.deliver_all()
    survey = made.cluster.live()
    assert made.step().actions == tuple(DeleteJob(name, wait=True) for name in survey)
    plan = made.step()
    (create,) = plan.actions
    assert isinstance(create, CreateJob)
    assert "ownerReferences" not in create.job["metadata"]
    assert create.job["spec"]["ttlSecondsAfterFinished"] > 0
    assert create.job["metadata"]["labels"]["reelmill.dev/step"] == "remove"
    assert made.step().actions == ()
    made.cluster.reports[made.job] = RemoveReport(
        removed=2, kept=1, objects=7, bytes=9, left=4, left_names=("clips/0123456789/notes.txt",)
    ).model_dump_json()
    made.cluster.jobs[made.job]["status"]["conditions"] = [{"type": "Complete", "status": "True"}]
    made.cluster.deliver_all()
    plan = made.step()
    assert made.finalizers == ("other/finalizer",)
    assert [(event.type, event.reason) for event in plan.events] == [("Normal", "DataRemoved")]
    assert "kept 1 that another pipeline claims" in plan.events[0].message
    assert plan.events[0].message.endswith("kept 4 objects that reelmill did not write: clips/0123456789/notes.txt, …")


def test_an_unreachable_store_delays_deletion_for_an_hour_and_the_status_says_how_to_release_it() -> None:
    made = Leaving()
    made.step()
    jobs = set()
    while made.finalizers != ("other/finalizer",):
        jobs.add(made.job)
        if made.job:
            made.fail()
        plan = made.step()
        condition = made.cluster.status.condition("Reconciling")
        assert condition
        assert condition.reason == "Removing"
        assert "to keep the data, set spec.onDelete to Keep" in condition.message
        made.cluster.now += timedelta(seconds=plan.wake_after or 1)
        assert made.cluster.now - made.since < timedelta(hours=2)
    assert made.cluster.now - made.since > timedelta(minutes=59)
    assert 5 < len(jobs) < 30
    assert "s3 is away; start it" in condition.message
    assert [(event.type, event.reason) for event in plan.events] == [("Warning", "DataKept")]
    assert "s3://out/demo" in plan.events[0].message


@pytest.mark.parametrize("step", [0, 1, 2])
def test_keep_lets_it_go_at_once(step: int) -> None:
    made = Leaving()
    for _ in range(step):
        made.step()
    made.cluster.edit(onDelete="Keep")
    plan = made.step()
    assert made.finalizers == ("other/finalizer",)
    assert plan.events[0].reason == "DataKept"


def test_a_namespace_that_is_being_deleted_is_not_held_up() -> None:
    made = Leaving()
    made.step()
    made.words[made.job] = ("NamespaceEnding", "forbidden")
    made.step()
    assert FINALIZER not in made.finalizers


def test_a_removal_whose_job_vanished_is_tried_again_under_another_name() -> None:
    made = Leaving()
    made.step()
    made.step()
    first = made.job
    del made.cluster.jobs[first]
    made.cluster.deliver_all()
    made.step()
    made.cluster.now += timedelta(minutes=1)
    made.step()
    assert made.job not in ("", first)


def test_a_clock_that_was_set_back_by_a_month_holds_nothing_for_a_month() -> None:
    made = Leaving()
    made.cluster.now -= timedelta(days=30)
    began = made.cluster.now
    while FINALIZER in made.finalizers:
        if made.job:
            made.fail()
        plan = made.step()
        made.cluster.now += timedelta(seconds=plan.wake_after or 1)
        assert made.cluster.now - began < timedelta(hours=4)
