"""Limits of pod hours and cost: what is counted of a pipeline's Jobs, when it is suspended, and how it goes on."""

from datetime import timedelta
from typing import Any

import pytest

from reelmill.contract.records.usage import Usage
from reelmill.contract.spec.placement import Placement
from reelmill.contract.spending import Prices, Spent
from reelmill.contract.status import Status
from reelmill.contract.task import CommitReport, StageReport, Step, SurveyReport
from reelmill.plan import CreateJob, PatchJob, PlannerSettings
from reelmill.plan.jobs.placement import hour_price
from reelmill.plan.snapshot import stamp
from spent_pods import MINUTES, cluster, end, end_with, seen, shards_begin


def hours(status: Status) -> float:
    return status.spent.pod_seconds / 3600


def test_pods_count_from_their_start_to_their_end_whatever_becomes_of_them() -> None:
    made = cluster()
    name = shards_begin(made)
    assert made.status.spent.pod_seconds == pytest.approx(2 * MINUTES, abs=2)
    seen(made, name, active=4)
    made.now += timedelta(minutes=10)
    seen(made, name, active=1)
    made.now += timedelta(minutes=30)
    end(made, name)
    assert made.status.spent.pod_seconds == pytest.approx((2 + 4 * 10 + 30) * MINUTES, abs=4)
    made.settle()
    assert made.status.spent.jobs == {}
    assert made.status.spent.cost is None


def test_nothing_is_written_while_the_number_of_pods_stays_the_same() -> None:
    made = cluster()
    seen(made, shards_begin(made), active=3)
    before = made.status
    made.now += timedelta(minutes=5)
    assert made.plan().status == before


def test_a_job_that_was_over_before_it_was_seen_counts_with_all_its_pods() -> None:
    made = cluster()
    name = shards_begin(made)
    before = made.status.spent.pod_seconds
    made.jobs[name]["status"]["startTime"] = stamp(made.now)
    made.now += timedelta(minutes=2)
    end(made, name)
    assert made.status.spent.pod_seconds - before == pytest.approx(4 * 2 * MINUTES, abs=8)


def test_at_the_limit_the_pipeline_is_suspended_and_says_why() -> None:
    made = cluster(limits={"podHours": 1})
    name = shards_begin(made)
    plan = seen(made, name, active=4)
    left = 3600 - made.status.spent.pod_seconds
    assert plan.wake_after == pytest.approx(left / 4)
    assert not made.status.holds("Suspended")
    made.now += timedelta(seconds=plan.wake_after or 0)
    plan = seen(made, name, active=4)
    assert plan.actions == (PatchJob(name, {"spec": {"suspend": True}}),)
    assert [event.reason for event in plan.events] == ["LimitReached"]
    suspended = made.status.condition("Suspended")
    assert suspended
    assert suspended.status == "True"
    assert suspended.reason == "LimitReached"
    assert "1 pod hours" in suspended.message
    assert not made.status.holds("Reconciling")
    assert not seen(made, name, active=0).events
    assert hours(made.status) >= 1


def test_whoever_raises_the_limit_continues_the_same_job() -> None:
    made = cluster(limits={"podHours": 1})
    name = shards_begin(made)
    seen(made, name, active=4)
    made.now += timedelta(hours=1)
    seen(made, name, active=0)
    seen(made, name, active=0)
    assert made.jobs[name]["spec"]["suspend"]
    created = list(made.created)
    made.edit(limits={"podHours": 100})
    made.deliver_all()
    made.reconcile()
    assert not made.jobs[name]["spec"]["suspend"]
    assert made.created == created
    made.settle()
    assert made.status.holds("Complete")


def test_what_is_spent_never_becomes_less_though_jobs_end_in_whole_seconds() -> None:
    made = cluster(limits={"podHours": 1})
    made.reconcile()
    (survey,) = made.created
    seen(made, survey, active=1)
    made.now += timedelta(hours=1, milliseconds=900)
    assert seen(made, survey, active=1).events
    before = made.status.spent.pod_seconds
    assert before >= 3600
    made.jobs[survey]["status"]["active"] = 0
    made.advance(survey)
    made.jobs[survey]["spec"]["suspend"] = False
    made.advance(survey)
    made.deliver_all()
    assert not made.reconcile().events
    assert made.status.spent.pod_seconds >= before
    assert made.status.holds("Suspended")


def test_beyond_the_limit_no_job_is_created() -> None:
    made = cluster(limits={"podHours": 0.01})
    made.reconcile()
    (survey,) = made.created
    seen(made, survey, active=1)
    made.now += timedelta(hours=1)
    end(made, survey)
    made.deliver_all()
    assert not any(isinstance(action, CreateJob) for action in made.reconcile().actions)
    assert made.created == [survey]


def test_a_cost_is_limited_by_the_prices_of_what_pods_request() -> None:
    made = cluster(limits={"cost": 10}, defaults={"resources": {"requests": {"cpu": "4", "memory": "8Gi"}}})
    made.settings = PlannerSettings(prices=Prices(currency="EUR", cpu_hour=1.0, gib_hour=0.25))
    name = shards_begin(made)
    seen(made, name, active=4)
    before = made.status.spent.cost or 0.0
    made.now += timedelta(minutes=15)
    seen(made, name, active=2)
    assert (made.status.spent.cost or 0.0) - before == pytest.approx(4 * 0.25 * (4 + 2), rel=0.01)
    made.now += timedelta(hours=1)
    seen(made, name, active=2)
    suspended = made.status.condition("Suspended")
    assert suspended
    assert suspended.reason == "LimitReached"
    assert "of 10 EUR" in suspended.message


def test_a_limit_of_cost_without_prices_lets_nothing_run() -> None:
    made = cluster(limits={"cost": 10})
    made.reconcile()
    assert made.created == []
    suspended = made.status.condition("Suspended")
    assert suspended
    assert suspended.reason == "PricesMissing"


def test_without_a_status_what_the_store_knows_is_spent() -> None:
    """As in every run on one machine."""
    made = cluster(limits={"podHours": 1})
    made.reconcile()
    (survey,) = made.created
    report = SurveyReport(stages={"clips": StageReport(segments=0, usage=Usage(pod_seconds=4000.0))})
    end(made, survey)
    made.status = Status()
    made.reports[survey] = report.model_dump_json(by_alias=True)
    made.reconcile()
    again = made.created[-1]
    end_with(made, again, report)
    assert made.status.spent.pod_seconds >= 4000.0
    assert made.status.spent.restored
    assert made.status.holds("Suspended")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({}, 1.0),
        ({"resources": {"requests": {"cpu": "500m", "memory": "2Gi"}}}, 0.5 + 2 * 0.1),
        ({"resources": {"limits": {"cpu": "2"}}}, 2.0),
        ({"gpu": {"count": 2, "products": ["L4"]}}, 1.0 + 2 * 3.0),
        ({"gpu": {"products": ["L4", "H100"]}}, 1.0 + 9.0),
        ({"gpu": {"products": ["T4"]}}, 1.0 + 2.0),
        ({"gpu": {}}, 1.0 + 9.0),
        ({"resources": {"limits": {"nvidia.com/gpu": 2}}}, 1.0 + 2 * 9.0),
    ],
)
def test_an_hour_of_a_pod_costs_what_it_reserves(place: dict[str, Any], expected: float) -> None:
    prices = Prices(cpu_hour=1.0, gib_hour=0.1, gpu_hour={"L4": 3.0, "H100": 9.0, "*": 2.0})
    assert hour_price(prices, Placement.model_validate(place)) == pytest.approx(expected)


def test_the_usage_of_a_commit_and_what_bounds_it_are_in_the_status() -> None:
    report = CommitReport.model_validate_json(
        '{"step":"commit","segment":1,"usage":{"cpuSeconds":2.5,"work":{"decode":3,"store":1}}}'
    )
    assert report.step is Step.COMMIT
    assert report.usage
    assert report.usage.bound == "decode"


def test_a_status_of_an_earlier_release_has_spent_nothing() -> None:
    assert Status.model_validate({}).spent == Spent()
