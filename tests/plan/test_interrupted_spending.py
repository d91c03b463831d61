"""What is counted of Jobs that are suspended, deleted or forbidden, and of those that an earlier release created."""

from datetime import timedelta
from typing import Any

import pytest

from reelmill.contract.policy.model import Policy
from reelmill.contract.records.usage import Usage
from reelmill.contract.spending import Prices, Spent
from reelmill.contract.task import StageReport, SurveyReport
from reelmill.plan import PlannerSettings
from simulated_cluster import SimulatedCluster
from spent_pods import MINUTES, cluster, end, end_with, seen, shards_begin

SECONDS = 8
"""What Kubernetes' whole seconds and the steps of the simulated cluster may add up to."""


def suspend(made: SimulatedCluster, *, value: bool) -> None:
    made.edit(suspend=value)
    made.deliver_all()
    made.reconcile()


def test_a_job_of_one_pod_counts_before_and_after_it_was_suspended() -> None:
    made = cluster()
    made.reconcile()
    (survey,) = made.created
    seen(made, survey, active=1)
    made.now += timedelta(minutes=10)
    suspend(made, value=True)
    made.jobs[survey]["status"].pop("startTime")  # as Kubernetes does
    made.jobs[survey]["status"]["active"] = 0
    made.now += timedelta(hours=5)
    made.deliver_all()
    made.reconcile()
    assert made.status.spent.pod_seconds == pytest.approx(10 * MINUTES, abs=SECONDS)
    suspend(made, value=False)
    seen(made, survey, active=1)
    made.now += timedelta(minutes=3)
    end(made, survey)
    assert made.status.spent.pod_seconds == pytest.approx(13 * MINUTES, abs=SECONDS)


def test_nothing_is_written_while_a_pipeline_is_suspended_and_has_no_pods() -> None:
    made = cluster(limits={"podHours": 1})
    name = shards_begin(made)
    seen(made, name, active=4)
    made.now += timedelta(hours=1)
    seen(made, name, active=0)
    seen(made, name, active=0)
    before = made.status
    made.now += timedelta(hours=1)
    assert made.plan().status == before


def test_pods_of_a_job_that_is_deleted_do_not_count_on() -> None:
    made = cluster(queue={"name": "video"})
    made.reconcile()
    for _ in range(2):
        made.jobs[made.created[-1]]["spec"]["suspend"] = False  # as Kueue admits it
        end(made, made.created[-1])
    name = made.created[-1]
    made.jobs[name]["spec"]["suspend"] = False
    seen(made, name, active=4)
    before = made.status.spent.pod_seconds
    made.now += timedelta(minutes=10)
    suspend(made, value=True)
    assert name not in made.jobs
    for _ in range(3):
        made.deliver_all()
        made.reconcile()
        made.now += timedelta(days=1)
    assert made.status.spent.pod_seconds - before == pytest.approx(40 * MINUTES, abs=SECONDS)
    assert made.status.spent.jobs == {}


@pytest.mark.parametrize("shards", [False, True])
def test_pods_that_a_policy_ends_count_until_then(shards: bool) -> None:
    made = cluster(defaults={"image": "own:1"})
    if shards:
        seen(made, shards_begin(made), active=4)
    else:
        made.reconcile()
        seen(made, made.created[-1], active=1)
    before = made.status.spent.pod_seconds
    made.now += timedelta(minutes=10)
    made.settings = PlannerSettings(policy=Policy(allowed_images=[]))
    made.reconcile()
    assert not made.live()
    for _ in range(2):
        made.deliver_all()
        made.reconcile()
        made.now += timedelta(days=1)
    made.settings = PlannerSettings()
    made.reconcile()
    expected = (40 if shards else 10) * MINUTES
    assert made.status.spent.pod_seconds - before == pytest.approx(expected, abs=SECONDS)


@pytest.mark.parametrize("shards", [False, True])
def test_pods_that_run_while_the_spec_is_invalid_are_counted_at_their_prices(shards: bool) -> None:
    gpu = {"count": 2, "products": ["T4"]}
    made = cluster(defaults={"gpu": gpu, "resources": {"requests": {"cpu": "2", "memory": "4Gi"}}})
    made.settings = PlannerSettings(
        prices=Prices(currency="EUR", cpu_hour=1.0, gib_hour=0.5, gpu_hour={"T4": 3.0, "*": 9.0})
    )
    if shards:
        name = shards_begin(made)
        seen(made, name, active=4)
    else:
        made.reconcile()
        name = made.created[-1]
        seen(made, name, active=1)
    before = made.status.spent
    made.edit_stage("clips", **{"from": ["nowhere"]})
    seen(made, name, active=4 if shards else 1)
    assert made.status.condition("Accepted").status == "False"  # type: ignore[union-attr]
    made.now += timedelta(minutes=30)
    end(made, name)
    spent = made.status.spent
    minutes = 120 if shards else 30
    assert spent.pod_seconds - before.pod_seconds == pytest.approx(minutes * MINUTES, abs=4 * SECONDS)
    hour = 2 * 1.0 + 4 * 0.5 + 2 * 3.0 if shards else 0.5 * 1.0 + 0.5 * 0.5
    assert (spent.cost or 0.0) - (before.cost or 0.0) == pytest.approx(minutes / 60 * hour, rel=0.02)
    assert made.status.spent.jobs == {}
    made.edit_stage("clips", **{"from": ["raw"]})
    made.reconcile()
    assert made.status.spent.pod_seconds == spent.pod_seconds  # nothing is counted twice


def test_a_limit_of_cost_holds_after_an_operator_without_prices() -> None:
    made = cluster(limits={"cost": 3})
    made.settings = known = PlannerSettings(prices=Prices(currency="EUR", cpu_hour=1.0))
    name = shards_begin(made)
    seen(made, name, active=4)
    made.now += timedelta(hours=1)
    seen(made, name, active=0)
    seen(made, name, active=0)
    spent = made.status.spent
    assert spent.cost is not None
    assert spent.cost > 3
    for settings, reason in ((PlannerSettings(), "PricesMissing"), (known, "LimitReached")):
        made.settings = settings
        made.reconcile()
        suspended = made.status.condition("Suspended")
        assert suspended
        assert (suspended.status, suspended.reason) == ("True", reason)
        assert made.status.spent == spent


def test_what_was_counted_since_an_upgrade_is_not_counted_again_by_the_next_survey() -> None:
    made = cluster(refresh="1h")
    seen(made, shards_begin(made), active=4)
    made.status = made.status.replace(spent=Spent())  # as an earlier release leaves it
    made.deliver_all()
    made.reconcile()
    made.now += timedelta(minutes=10)
    end(made, made.created[-1])
    made.settle()
    counted = made.status.spent.pod_seconds
    assert counted == pytest.approx(40 * MINUTES, abs=4 * SECONDS)
    made.now += timedelta(hours=2)
    made.reconcile()
    usage: dict[str, Any] = {"clips": StageReport(segments=1, usage=Usage(pod_seconds=40 * MINUTES))}
    end_with(made, made.created[-1], SurveyReport(stages=usage))
    assert made.status.spent.pod_seconds - counted < MINUTES
