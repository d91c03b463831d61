"""The Lease: one replica acts, the other takes over, and a holder stops before another may begin."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.stub_api_server import Stub, served
from reelmill.controller.kube.api import KubeApi
from reelmill.controller.kube.api_errors import NoAnswer
from reelmill.controller.kube.leader import Leader, LeaseLost
from reelmill.controller.kube.write_budget import Budget

LEASE = "/apis/coordination.k8s.io/v1/namespaces/mill/leases/operator"


class Clock:
    """Two replicas' clocks go alike and show different times."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def replicas(stub: Stub, folder: Path, test: object) -> None:
    clock = Clock()
    async with served(stub, folder) as cluster:
        verbs = KubeApi(cluster, Budget(1000, 1000, clock=clock))

        def leader(identity: str, years: int) -> Leader:
            skewed = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=365 * years)
            return Leader(verbs, "mill", "operator", identity, seconds=15, clock=clock, now=lambda: skewed)

        await test(clock, leader("first", 0), leader("second", -5))  # type: ignore[operator]


def test_one_holds_and_the_other_waits_until_it_is_abandoned(tmp_path: Path) -> None:
    async def test(clock: Clock, first: Leader, second: Leader) -> None:
        assert await first.attempt()
        assert not await second.attempt()
        for _ in range(10):
            clock.now += 8
            assert await first.attempt()
            assert not await second.attempt()
        clock.now += 14
        assert not await second.attempt()
        assert not first.holds()
        clock.now += 2
        assert await second.attempt()
        assert not await first.attempt()

    asyncio.run(replicas(Stub(), tmp_path, test))


def test_a_holder_that_slept_does_not_hold_any_more(tmp_path: Path) -> None:
    async def test(clock: Clock, first: Leader, _second: Leader) -> None:
        await first.attempt()
        clock.now += 9
        assert first.holds()
        clock.now += 2
        assert not first.holds()

    asyncio.run(replicas(Stub(), tmp_path, test))


def test_a_released_lease_is_taken_at_once(tmp_path: Path) -> None:
    async def test(_clock: Clock, first: Leader, second: Leader) -> None:
        await first.attempt()
        await first.release()
        assert not first.holds()
        assert await second.attempt()

    asyncio.run(replicas(Stub(), tmp_path, test))


def test_the_slower_of_two_is_refused(tmp_path: Path) -> None:
    stub = Stub()

    async def test(_clock: Clock, first: Leader, _second: Leader) -> None:
        stub.refusals.append(("POST", 409, "already exists", {}))
        assert not await first.attempt()
        assert not first.holds()

    asyncio.run(replicas(stub, tmp_path, test))


def test_a_lease_that_cannot_be_renewed_is_lost_in_time(tmp_path: Path) -> None:
    stub = Stub()

    async def test(clock: Clock, first: Leader, _second: Leader) -> None:
        await first.attempt()
        stub.refusals += [("GET", 500, "away", {})] * 2
        with pytest.raises(NoAnswer):
            await first.attempt()
        assert first.holds()
        clock.now += 11
        with pytest.raises(NoAnswer):
            await first.attempt()
        assert not first.holds()

    asyncio.run(replicas(stub, tmp_path, test))


def test_a_holder_whose_lease_was_taken_is_reported(tmp_path: Path) -> None:
    stub = Stub()

    async def main() -> None:
        clock = Clock()
        async with served(stub, tmp_path) as cluster:
            verbs = KubeApi(cluster, Budget(1000, 1000, clock=clock))
            now = datetime(2026, 1, 1, tzinfo=UTC)
            leader = Leader(verbs, "mill", "operator", "first", seconds=0.3, clock=clock, now=lambda: now)
            await leader.acquire()
            taken = {**stub.objects[LEASE], "spec": {"holderIdentity": "other", "leaseDurationSeconds": 15}}
            stub.put(LEASE, taken)
            with pytest.raises(LeaseLost):
                await leader.keep()

    asyncio.run(main())
