"""A few of the crash points of `make endurance ARGS=crashes`: the end is that of an undisturbed run."""

import asyncio
from collections import Counter

import pytest

from endurance import crashes


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


async def _take_steps(one: crashes.Run, count: int) -> None:
    one.begin()
    for _ in range(count):
        await one.step()
