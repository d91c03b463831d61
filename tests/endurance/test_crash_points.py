"""A few of the crash points of `make endurance ARGS=crashes`: the end is that of an undisturbed run."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from endurance import crashes
from reelmill.plan.jobs.build import (
    ATTEMPT,
    KEY,
    MANAGED_BY,
    PIPELINE,
    PLACE,
    PODS,
    RUN,
    SEGMENT,
    STAGE,
    STEP,
    UID,
)
from reelmill.plan.snapshot import moment


@pytest.mark.parametrize("number", range(1, 13))
def test_faults_of_the_operators_requests_change_nothing_in_the_end(number: int) -> None:
    struck: Counter[tuple[str, str]] = Counter()
    problems, one = crashes.case(2026, number, struck)
    assert problems == []
    assert one.operator.lives


def test_a_job_that_the_server_refuses_costs_no_other_job() -> None:
    """Stages without a common input do not wait for the one whose Jobs exceed a quota."""
    stages = [
        {"name": "clips", "from": ["raw"], "clip": {"by": "length"}, "failures": {"tolerate": "100%", "attempts": 3}},
        {"name": "tars", "from": ["raw"], "pack": {}, "failures": {"tolerate": "100%", "attempts": 3}},
    ]
    case = crashes.Case(videos=2, stages=stages, spec={}, failing={}, exits={}, deeds=[], removed=0)
    one = crashes.Run(case, "quota", 1_000_000, Counter())
    one.faults.refused = "clips"
    asyncio.run(_take_steps(one, 600))
    segments = {stage["name"]: stage.get("segments", 0) for stage in one.status["stages"]}
    assert segments == {"clips": 0, "tars": 1}
    assert "exceeded quota" in str(one.status["conditions"])


@pytest.mark.parametrize("value", [None, "999"], ids=["removed", "changed"])
@pytest.mark.parametrize("label", [MANAGED_BY, UID, PIPELINE, STAGE, STEP, RUN, SEGMENT, ATTEMPT, KEY, PLACE, PODS])
def test_running_jobs_that_lose_a_label_end_and_are_not_started_again(label: str, value: str | None) -> None:
    stages: list[crashes.Json] = [
        {"name": "clips", "from": ["raw"], "clip": {"by": "length"}, "shards": 3, "parallelism": 1},
        {"name": "samples", "from": ["clips"], "frames": {}, "shards": 2},
    ]
    for stage in stages:
        stage["failures"] = {"tolerate": "100%", "attempts": 5}
    for number in range(12):
        deeds = [(3 + 4 * number + 12 * each, "unlabel") for each in range(3)]
        case = crashes.Case(videos=6, stages=stages, spec={}, failing={}, exits={}, deeds=deeds, removed=0)
        one = crashes.Run(case, f"labels{number}", 1_000_000, Counter())
        one.cluster.label_change = label, value
        assert asyncio.run(one.go()) == []


def test_a_refused_job_delays_no_timer_of_its_pipeline() -> None:
    """Sources are listed at their interval, although the refused Job is tried again every five minutes."""
    stages = [{"name": "clips", "from": ["raw"], "clip": {"by": "length"}}]
    case = crashes.Case(videos=2, stages=stages, spec={"refresh": "60s"}, failing={}, exits={}, deeds=[], removed=0)
    one = crashes.Run(case, "timers", 1_000_000, Counter())
    one.faults.refused = "clips"
    idle_seconds: list[float] = []
    asyncio.run(_take_steps(one, 3000, lambda: idle_seconds.extend(_seconds_since_listed(one))))
    assert one.cluster.seconds > 3600
    assert 59 <= max(idle_seconds) < 65


def _seconds_since_listed(one: crashes.Run) -> Iterator[float]:
    """Seconds since the sources were last listed, unless a survey is running."""
    survey = one.status.get("survey") or {}
    if (listed := moment(survey.get("listedAt", ""))) and not survey["job"]:
        yield (one.cluster.now - listed).total_seconds()


async def _take_steps(one: crashes.Run, count: int, after: Callable[[], None] = lambda: None) -> None:
    one.begin()
    for _ in range(count):
        await one.step()
        after()
