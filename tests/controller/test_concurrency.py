"""As many pipelines are processed at the same time as the API server answers without a queue, by simulated servers."""

import asyncio

import pytest

from reelmill.controller.kube.write_budget import Budget
from reelmill.controller.monitoring.metrics import Metrics
from reelmill.controller.state.concurrency import FIRST, LONG, WINDOW, ConcurrencyLimit
from reelmill.controller.work.worker_tasks import Pump

WINDOWS = 200


def after(limit: ConcurrencyLimit, *, distance: float, work: float, capacity: int, windows: int = WINDOWS) -> int:
    """The limit after writes to a server that is `distance` seconds away and works on `capacity` at the same time."""
    for _ in range(windows * WINDOW):
        limit.observe("PATCH", 200, distance + work * max(limit.value / capacity, 1.0))
    return limit.value


def test_a_server_that_is_far_away_gets_all_workers() -> None:
    assert after(ConcurrencyLimit(16), distance=0.2, work=0.001, capacity=100) == 16


def test_a_server_with_few_cores_gets_few_and_a_faster_one_more() -> None:
    limit = ConcurrencyLimit(64)
    few = after(limit, distance=0.0, work=0.01, capacity=2)
    assert LONG <= few <= 8
    assert few < after(limit, distance=0.0, work=0.01, capacity=20) <= 30


def test_a_server_that_becomes_slow_gets_fewer_but_never_none_and_is_fast_again_later() -> None:
    limit = ConcurrencyLimit(16)
    assert after(limit, distance=0.01, work=0.0, capacity=1) == 16
    assert after(limit, distance=1.0, work=0.0, capacity=1) == LONG
    assert after(limit, distance=0.01, work=0.0, capacity=1) == 16


def test_single_slow_writes_change_nothing() -> None:
    limit = ConcurrencyLimit(16)
    after(limit, distance=0.01, work=0.0, capacity=1)
    for number in range(100 * WINDOW):
        limit.observe("PATCH", 200, 60.0 if number % 5 == 0 else 0.01)
    assert limit.value == 16


@pytest.mark.parametrize(
    ("method", "status"), [("PATCH", 0), ("PATCH", 409), ("PATCH", 429), ("PATCH", 503), ("PUT", 200), ("GET", 200)]
)
def test_requests_that_end_early_or_are_of_another_kind_change_nothing(method: str, status: int) -> None:
    limit = ConcurrencyLimit(16)
    after(limit, distance=0.01, work=0.0, capacity=1)
    for _ in range(10 * WINDOW):
        limit.observe(method, status, 0.0001)
    assert after(limit, distance=0.01, work=0.0, capacity=1) == 16


def test_the_limit_is_no_more_than_was_asked_for() -> None:
    assert after(ConcurrencyLimit(1), distance=0.1, work=0.0, capacity=1) == 1


def test_no_more_pipelines_are_processed_than_the_limit_and_none_is_forgotten() -> None:
    limit = ConcurrencyLimit(16)
    seen: list[str] = []
    busiest = 0

    async def process(key: str) -> None:
        nonlocal busiest
        busiest = max(busiest, len(pump.queue.in_flight))
        await asyncio.sleep(0)
        seen.append(key)

    pump = Pump(process, Metrics(), limit, Budget(1, 100, clock=lambda: 0.0))

    async def main() -> None:
        for number in range(100):
            pump.add(f"team/{number}")
        working = asyncio.ensure_future(pump.run())
        while len(seen) < 100:
            await asyncio.sleep(0)
        working.cancel()
        await asyncio.wait([working])

    asyncio.run(main())
    assert sorted(seen) == sorted(f"team/{number}" for number in range(100))
    assert busiest == limit.value == FIRST


def test_a_key_waits_in_the_queue_until_there_is_a_write_for_it() -> None:
    at = 0.0
    budget = Budget(1000, 2, clock=lambda: at)
    seen: list[str] = []

    async def process(key: str) -> None:
        budget.reserve()
        seen.append(key)

    pump = Pump(process, Metrics(), ConcurrencyLimit(16), budget)

    async def main() -> None:
        nonlocal at
        working = asyncio.ensure_future(pump.run())
        for number in range(3):
            pump.add(f"team/{number}")
        for _ in range(100):
            await asyncio.sleep(0)
        assert seen == ["team/0", "team/1"]
        assert len(pump.queue) == 1
        assert not pump.queue.in_flight
        at = 1.0
        while len(seen) < 3:
            await asyncio.sleep(0)
        working.cancel()
        await asyncio.wait([working])

    asyncio.run(main())
    assert seen == ["team/0", "team/1", "team/2"]


def test_a_key_is_taken_only_if_each_key_in_process_also_has_a_write() -> None:
    busiest, seen = 0, 0
    budget = Budget(1000, 2, clock=lambda: 0.0)

    async def process(key: str) -> None:
        nonlocal busiest, seen
        busiest = max(busiest, len(pump.queue.in_flight))
        await asyncio.sleep(0)
        seen += 1

    pump = Pump(process, Metrics(), ConcurrencyLimit(16), budget)
    budget.reserve()

    async def main() -> None:
        for number in range(20):
            pump.add(f"team/{number}")
        working = asyncio.ensure_future(pump.run())
        while seen < 20:
            await asyncio.sleep(0)
        working.cancel()
        await asyncio.wait([working])

    asyncio.run(main())
    assert busiest == 1
