"""`spec.verify`: the store is verified at an interval while the pipeline is at rest, and never in the way of work."""

from datetime import timedelta
from typing import Any

import pytest

from reelmill.contract.conditions import ConditionReason, ConditionType, EventReason
from reelmill.contract.spec.pipeline import Verify
from reelmill.contract.task import Step
from reelmill.contract.task_parts.verification import Verification
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

CLIPS: dict[str, Any] = {"name": "clips", "clip": {"by": "length"}}
HOUR = timedelta(hours=1)


def cluster(interval: str = "24h", **spec: Any) -> SimulatedCluster:
    """A pipeline that has done all its work."""
    made = SimulatedCluster(
        pipeline([CLIPS], **{"verify": {"interval": interval}, **spec}), SymbolicStore(bucket={"raw": ["v", "w"]})
    )
    made.settle()
    return made


def state(made: SimulatedCluster) -> Verification:
    assert made.status.verification
    return made.status.verification


def verifications(made: SimulatedCluster) -> list[str]:
    return [name for name in made.created if name.rpartition("-")[2].startswith("y")]


def verdict(made: SimulatedCluster) -> tuple[str, str]:
    found = made.status.condition(ConditionType.STORE_VERIFIED)
    assert found
    return found.status, found.reason


def later(made: SimulatedCluster, hours: float) -> None:
    made.now += hours * HOUR
    made.settle()


def test_without_the_field_nothing_is_verified_and_nothing_is_said() -> None:
    made = SimulatedCluster(pipeline([CLIPS]), SymbolicStore(bucket={"raw": ["v"]}))
    made.settle()
    later(made, 1000)
    assert verifications(made) == []
    assert made.status.verification is None
    assert made.status.condition(ConditionType.STORE_VERIFIED) is None


def test_a_verification_begins_an_interval_after_the_last_one_ended() -> None:
    made = cluster()
    assert verdict(made) == ("False", ConditionReason.NOT_VERIFIED)
    assert verifications(made) == []
    later(made, 23)
    assert verifications(made) == []
    later(made, 2)
    assert len(verifications(made)) == 1
    assert verdict(made) == ("True", ConditionReason.VERIFIED)
    assert (state(made).objects, state(made).damaged) == (10, 0)
    later(made, 20)
    assert len(verifications(made)) == 1
    later(made, 5)
    assert len(verifications(made)) == 2
    assert made.status.holds(ConditionType.READY)


def test_the_plan_says_when_the_next_one_is_due() -> None:
    made = cluster("30m")
    assert made.plan().wake_after == pytest.approx(1800, abs=60)


def test_its_task_has_every_data_set_and_its_pod_no_keys_but_the_stores() -> None:
    made = SimulatedCluster(
        pipeline(
            [CLIPS],
            verify={"interval": "1h", "maxRate": "20M", "readAll": True, "priorityClassName": "low"},
            store={"uri": "s3://out/demo", "secretRef": {"name": "store"}},
            sources=[{"name": "raw", "files": {"uri": "s3://in/"}, "s3": {"secretRef": {"name": "raw"}}}],
            defaults={"priorityClassName": "high", "nodeSelector": {"gpu": "yes"}},
            control={"nodeSelector": {"pool": "cpu"}},
        ),
        SymbolicStore(bucket={"raw": ["v"]}),
    )
    made.settle()
    made.now += 2 * HOUR
    made.reconcile()
    (name,) = verifications(made)
    task, pod = made.task(name), made.jobs[name]["spec"]["template"]["spec"]
    assert [entry.name for entry in (*task.sources, *task.stages)] == ["raw", "clips"]
    assert task.verification
    assert (task.step, task.verification.max_rate, task.verification.read_all) == (Step.VERIFY, 20e6, True)
    assert (pod["priorityClassName"], pod["nodeSelector"]) == ("low", {"pool": "cpu"})
    names = {variable["name"] for variable in pod["containers"][0]["env"]}
    assert "AWS_ACCESS_KEY_ID" in names
    assert "RAW_AWS_ACCESS_KEY_ID" not in names


def test_damage_is_a_condition_an_event_and_a_count_until_a_verification_finds_none() -> None:
    made = cluster()
    made.store.damaged = ["clips/0001/a.mp4", "clips/0001/b.mp4"]
    later(made, 25)
    assert verdict(made) == ("False", ConditionReason.STORE_DAMAGED)
    assert state(made).damaged == 2
    found = made.status.condition(ConditionType.STORE_VERIFIED)
    assert found
    assert "2 of 10 objects are damaged: clips/0001/a.mp4, clips/0001/b.mp4" in found.message
    damage_events = [event for plan in made.plans for event in plan.events if event.reason == EventReason.DAMAGE_FOUND]
    assert [(event.type, event.message) for event in damage_events] == [
        ("Warning", "2 of 10 objects are damaged: clips/0001/a.mp4, clips/0001/b.mp4")
    ]
    assert made.status.holds(ConditionType.READY)
    made.store.damaged = []
    later(made, 25)
    assert verdict(made) == ("True", ConditionReason.VERIFIED)
    assert state(made).damaged == 0


@pytest.mark.parametrize("reason", ["work", "suspend", "edit"])
def test_a_verification_makes_way_and_continues_afterwards(reason: str) -> None:
    made = cluster()
    made.now += 25 * HOUR
    made.reconcile()
    (first,) = verifications(made)
    began = state(made).began_at
    made.deliver_all()
    if reason == "edit":
        made.edit(stages=[{**CLIPS, "rerun": "2"}])
    elif reason == "work":
        made.store.bucket["raw"].append("x")
        made.annotations["reelmill.dev/refresh"] = "now"
    else:
        made.edit(suspend=True)
    made.reconcile()
    assert first not in made.jobs
    assert (state(made).job, state(made).began_at) == ("", began)
    if reason == "suspend":
        later(made, 100)
        assert verifications(made) == [first]
        made.edit(suspend=False)
        made.now += HOUR
    made.reconcile()
    made.settle()
    assert made.status.holds(ConditionType.READY)
    assert len(verifications(made)) == 2
    assert verdict(made) == ("True", ConditionReason.VERIFIED)


def test_a_continued_verification_is_the_same_one_to_its_pods() -> None:
    made = cluster()
    made.now += 25 * HOUR
    made.reconcile()
    made.deliver_all()
    first = made.task(verifications(made)[0]).verification
    made.edit(suspend=True)
    made.reconcile()
    made.now += HOUR
    made.edit(suspend=False)
    made.reconcile()
    assert made.task(verifications(made)[1]).verification == first


def test_a_job_that_was_not_created_in_time_is_created_under_the_same_name() -> None:
    made = cluster()
    made.now += 25 * HOUR
    made.apply(made.plan(), writes=1)
    named = state(made).job
    assert verifications(made) == []
    made.reconcile()
    assert verifications(made) == [named]


def test_a_verification_that_fails_is_tried_again_with_delays_and_said_after_three() -> None:
    made = cluster()
    made.store.exits["", "verify"] = [75] * 4 * 3
    later(made, 25)
    for hours in (0.1, 0.1):
        assert verdict(made)[1] != ConditionReason.VERIFICATION_FAILED
        later(made, hours)
    assert verdict(made) == ("False", ConditionReason.VERIFICATION_FAILED)
    found = made.status.condition(ConditionType.STORE_VERIFIED)
    assert found
    assert "on purpose; mend it" in found.message
    assert made.status.holds(ConditionType.READY)
    later(made, 2)
    assert verdict(made) == ("True", ConditionReason.VERIFIED)


def test_without_the_field_again_its_job_is_deleted_and_the_condition_is_gone() -> None:
    made = cluster()
    made.now += 25 * HOUR
    made.reconcile()
    made.deliver_all()
    made.edit(verify=None)
    made.reconcile()
    assert not made.live()
    assert made.status.verification is None
    assert made.status.condition(ConditionType.STORE_VERIFIED) is None


@pytest.mark.parametrize("rate", ["0", "0M", "0.0k"])
def test_a_rate_of_nothing_is_refused(rate: str) -> None:
    with pytest.raises(ValueError, match="more than zero"):
        Verify.model_validate({"interval": "1h", "maxRate": rate})
