"""Shards whose pods were killed for lack of memory run again with more, up to what the spec allows."""

from datetime import timedelta
from typing import Any

import pytest

from reelmill.contract.spec.placement import Placement
from reelmill.contract.spending import Prices
from reelmill.contract.task import Failure, Step, Task
from reelmill.plan import PlannerSettings
from reelmill.plan.jobs.placement import amount, more_memory, work_resources
from simulated_cluster import SimulatedCluster, pipeline
from spent_pods import end, seen
from symbolic_stages import SymbolicStore

GIB = 2**30


def place(**resources: Any) -> Placement:
    return Placement.model_validate({"resources": resources})


@pytest.mark.parametrize(
    ("resources", "present", "last", "expected"),
    [
        ({"limits": {"memory": "2Gi"}, "memoryMax": "16Gi"}, "", False, 4.0),
        ({"requests": {"memory": "2Gi"}, "memoryMax": "16Gi"}, "", False, 4.0),
        ({"limits": {"memory": "2Gi"}, "memoryMax": "16Gi"}, "4096Mi", False, 8.0),
        ({"limits": {"memory": "2Gi"}, "memoryMax": "3Gi"}, "", False, 3.0),
        ({"limits": {"memory": "2Gi"}, "memoryMax": "16Gi"}, "", True, 16.0),
        ({"limits": {"memory": "2G"}, "memoryMax": "5G"}, "", True, 5e9 / GIB),
        ({"limits": {"memory": "2Gi"}, "memoryMax": "2Gi"}, "", False, None),
        ({"limits": {"memory": "2Gi"}, "memoryMax": "1Gi"}, "", False, None),
        ({"limits": {"memory": "2Gi"}}, "", False, None),
        ({"memoryMax": "16Gi"}, "", False, None),
    ],
)
def test_the_next_attempt_has_twice_as_much_and_the_last_one_the_most(
    resources: dict[str, Any], present: str, last: bool, expected: float | None
) -> None:
    found = more_memory(place(**resources), present, last=last)
    if expected is None:
        assert found == present
    else:
        assert float(amount(found)) / GIB == pytest.approx(expected, abs=0.001)


def test_a_pod_with_more_memory_requests_it_too() -> None:
    given = place(requests={"cpu": "2", "memory": "1Gi"}, limits={"memory": "2Gi"})
    assert work_resources(given, "4096Mi") == {
        "requests": {"cpu": "2", "memory": "4096Mi"},
        "limits": {"memory": "4096Mi"},
    }


class Starved(SymbolicStore):
    """Shards of a stage are killed where they have less memory than they need."""

    def execute(self, task: Task, index: int, follow_up: str = "") -> tuple[int, str]:
        if task.step is Step.SHARDS and task.attempt <= 2:
            return 137, Failure(step=Step.SHARDS, error="OutOfMemory", message="pod x: OOMKilled").model_dump_json()
        return super().execute(task, index, follow_up)


def memories(made: SimulatedCluster) -> list[str]:
    found = []
    for plan in made.plans:
        for action in plan.actions:
            body = getattr(action, "job", None)
            if body and body["metadata"]["labels"]["reelmill.dev/step"] == "shards":
                (container,) = body["spec"]["template"]["spec"]["containers"]
                found.append(container["resources"]["limits"]["memory"])
    return found


def test_each_step_is_in_the_jobs_the_status_and_the_events() -> None:
    stage = {
        "name": "clips",
        "clip": {"by": "length"},
        "shards": 2,
        "resources": {"requests": {"memory": "2Gi"}, "memoryMax": "16Gi"},
    }
    store = Starved(bucket={"raw": [f"v{number}" for number in range(6)]})
    store.follows_up = False
    made = SimulatedCluster(pipeline([stage]), store)
    made.settle()
    assert made.status.holds("Complete")
    assert memories(made) == ["2Gi", "4096Mi", "16384Mi"]
    messages = [event.message for plan in made.plans for event in plan.events if event.reason == "ShardsRetried"]
    assert messages == [
        "clips: attempt 2 of 2 shards with 4096Mi of memory, because pods were killed for lack of it",
        "clips: attempt 3 of 2 shards with 16384Mi of memory, because pods were killed for lack of it",
    ]
    seen = [stage.pass_.memory for plan in made.plans for stage in plan.status.stages if stage.pass_]
    assert sorted(set(seen)) == ["", "16384Mi", "4096Mi"]


@pytest.mark.parametrize(("memory", "most"), [("2G", "5G"), ("2Gi", "16Gi"), ("1500M", "1500M")])
def test_the_last_attempt_gives_up_an_item_that_needs_more_than_its_pod_has(memory: str, most: str) -> None:
    """The container's limit, which a step reads, is not below what its task says of the maximum."""
    stage = {
        "name": "clips",
        "clip": {"by": "length"},
        "shards": 2,
        "resources": {"requests": {"memory": memory}, "memoryMax": most},
    }
    store = Starved(bucket={"raw": [f"v{number}" for number in range(6)]})
    store.follows_up = False
    made = SimulatedCluster(pipeline([stage]), store)
    made.settle()
    *_, last = (name for name in made.created if made.task(name).step is Step.SHARDS)
    (container,) = made.jobs[last]["spec"]["template"]["spec"]["containers"]
    pages = int(amount(container["resources"]["limits"]["memory"])) // 4096 * 4096
    limit = made.task(last).limits.memory_max
    assert limit
    assert limit <= pages < limit + 2**20


def test_where_there_is_one_attempt_no_item_is_left_for_another() -> None:
    stage = {
        "name": "clips",
        "clip": {"by": "length"},
        "shards": 2,
        "failures": {"attempts": 1},
        "resources": {"limits": {"memory": "2Gi"}, "memoryMax": "16Gi"},
    }
    store = SymbolicStore(bucket={"raw": ["v0", "v1"]})
    store.follows_up = False
    made = SimulatedCluster(pipeline([stage]), store)
    made.settle()
    limits = [made.task(name).limits.memory_max for name in made.created if made.task(name).step is Step.SHARDS]
    assert limits == [2 * GIB]


def test_more_memory_costs_more() -> None:
    stage = {
        "name": "clips",
        "clip": {"by": "length"},
        "shards": 2,
        "resources": {"requests": {"memory": "2Gi"}, "memoryMax": "16Gi"},
    }
    store = Starved(bucket={"raw": [f"v{number}" for number in range(6)]})
    store.follows_up = False
    made = SimulatedCluster(pipeline([stage]), store)
    made.settings = PlannerSettings(prices=Prices(gib_hour=1.0))
    made.reconcile()
    while not made.status.holds("Complete"):
        before, name = made.status.spent, made.created[-1]
        seen(made, name, active=1)
        made.now += timedelta(hours=1)
        end(made, name)
        if made.task(name).step is Step.SHARDS:
            assert before.cost is not None
            assert made.status.spent.cost is not None
            gib = {1: 2, 2: 4, 3: 16}[made.task(name).attempt]
            assert made.status.spent.cost - before.cost == pytest.approx(gib, rel=0.02)


def test_without_a_maximum_every_attempt_has_the_same() -> None:
    stage = {"name": "clips", "clip": {"by": "length"}, "shards": 2, "resources": {"requests": {"memory": "2Gi"}}}
    store = Starved(bucket={"raw": [f"v{number}" for number in range(6)]})
    store.follows_up = False
    made = SimulatedCluster(pipeline([stage]), store)
    made.settle()
    assert memories(made) == ["2Gi", "2Gi", "2Gi"]


def test_tasks_of_stages_without_a_maximum_are_those_of_earlier_releases() -> None:
    """So stage images of an earlier release can read them."""
    store = SymbolicStore(bucket={"raw": ["v0"]})
    made = SimulatedCluster(pipeline([{"name": "clips", "clip": {"by": "length"}}]), store)
    made.settle()
    assert made.created
    assert all("memoryMax" not in made.task(name).model_dump_json(by_alias=True) for name in made.created)
