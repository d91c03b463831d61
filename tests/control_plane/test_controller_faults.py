"""What clusters do to operators: kills between any two writes, lost answers, lost watches, twins, servers that go."""

import asyncio
import gc
import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cluster.control_plane import ControlPlane
from control_plane.operators import ACCOUNT, Crash, Faults, Running, Send, made, running, until
from control_plane.pipelines import SMALL, Desk, holds, resource, steps
from control_plane.test_controller_runs import COMMIT_RUN, RUN, SMALL_RUN
from reelmill.controller.kube.api_errors import NoAnswer, Throttled
from reelmill.controller.kube.leader import LeaseLost

pytestmark = pytest.mark.control_plane
Json = dict[str, Any]


def as_if_nothing_had_happened(desk: Desk, run: list[str] = RUN) -> None:
    """The Jobs of an undisturbed run, each item worked on once."""
    assert steps(desk.kubelet.jobs) == run
    assert set(desk.kubelet.store.tried.values()) == {1}


@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the killed close no connection
@pytest.mark.parametrize(
    ("stages", "closes", "run"),
    [(None, True, RUN), (None, False, COMMIT_RUN), (SMALL, True, SMALL_RUN)],
    ids=["large", "commit-steps", "small"],
)
def test_an_operator_killed_before_and_after_every_write_converges_without_a_duplicate_job(
    desk: Desk, config: Path, *, stages: list[Json] | None, closes: bool, run: list[str]
) -> None:
    desk.kubelet.store.closes = closes
    written: Counter[str] = Counter()

    def lethal(*, send_first: bool) -> Faults:
        async def strike(number: int, method: str, path: str, send: Send) -> Json:
            if send_first:
                await send()
                written[f"{method} {path.split('/namespaces/')[-1].split('/')[1]}"] += 1
            raise Crash(f"{'after' if send_first else 'before'} {method} {path}")

        return Faults(strike)

    # An operator that dies before its first write, then one that dies after it, and so on to the end of the run.
    desk.apply(resource(stages=stages))
    for life in range(200):
        one = Running(config, made(namespaces=(desk.namespace,)), lethal(send_first=life % 2 == 1).layer).start()
        until(lambda one=one: not one.alive or holds(desk.get(), "Complete"), 60, "a write")
        one.stop()
        if holds(desk.get(), "Complete"):
            break
    gc.collect()
    assert written["POST jobs"] == len(run)
    assert written["PATCH videopipelines"] >= len(run)
    as_if_nothing_had_happened(desk, run)


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_writes_that_fail_are_made_again(desk: Desk, config: Path, lost: str) -> None:
    async def every_other(number: int, method: str, path: str, send: Send) -> Json:
        if number % 2:
            if lost == "answer":
                await send()
            raise NoAnswer("500: on purpose")
        return await send()

    with running(config, Faults(every_other).layer, namespaces=(desk.namespace,)):
        desk.apply(resource())
        desk.wait_for("Complete", seconds=120)
    as_if_nothing_had_happened(desk)


def test_a_server_that_asks_to_wait_is_waited_for(desk: Desk, config: Path) -> None:
    async def every_third(number: int, method: str, path: str, send: Send) -> Json:
        if number % 3 == 0:
            raise Throttled("429: on purpose", 0.2)
        return await send()

    with running(config, Faults(every_third).layer, namespaces=(desk.namespace,)):
        desk.apply(resource())
        desk.wait_for("Complete", seconds=120)
    as_if_nothing_had_happened(desk)


def test_two_operators_at_once_do_no_more_than_one(desk: Desk, config: Path) -> None:
    with running(config, namespaces=(desk.namespace,)), running(config, namespaces=(desk.namespace,)):
        desk.apply(resource())
        desk.wait_for("Complete", seconds=120)
    as_if_nothing_had_happened(desk)


def test_of_two_replicas_one_acts_and_the_other_takes_over_at_once(desk: Desk, config: Path) -> None:
    elect = {"namespaces": (desk.namespace,), "own_namespace": desk.namespace, "leader_election": True}
    elect["lease_seconds"] = 60  # it ends when it is given back, and the first is hardly held up for so long
    with running(config, **elect, identity="first") as first:
        until(lambda: first.operator.health.ready, 30, "the first one")
        until(lambda: len(first.operator.cache.pipelines) == 0, 30, "its lists")
        with running(config, **elect, identity="second") as second:
            desk.apply(resource())
            until(lambda: len(desk.kubelet.jobs) >= 2, 30, "some Jobs")
            lease = desk.client.get("coordination.k8s.io/v1/Lease", ACCOUNT, desk.namespace)
            assert lease["spec"]["holderIdentity"] == "first"
            assert not len(second.operator.cache.pipelines)
            first.stop()
            desk.wait_for("Complete", seconds=120)
            assert len(second.operator.cache.pipelines) == 1
    as_if_nothing_had_happened(desk)


def test_a_replica_whose_lease_was_taken_ends(desk: Desk, config: Path) -> None:
    elect = {"namespaces": (desk.namespace,), "own_namespace": desk.namespace, "leader_election": True}
    one = Running(config, made(**elect, identity="first", lease_seconds=15)).start()
    lease = "coordination.k8s.io/v1/Lease"
    until(lambda: one.operator.health.ready and desk.client.find(lease, ACCOUNT, desk.namespace), 30, "a lease")
    desk.client.patch(lease, ACCOUNT, {"spec": {"holderIdentity": "other"}}, desk.namespace)
    one.join()
    assert isinstance(one.ended, LeaseLost)


def test_the_api_server_goes_and_comes_back_mid_run(desk: Desk, config: Path, defined: ControlPlane) -> None:
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource())
        until(lambda: len(desk.kubelet.jobs) >= 2, 30, "some Jobs")
        defined.restart("kube-apiserver")
        desk.wait_for("Complete", seconds=180)
    # If the report of a pod that opened the next pass is not read, an open step takes up that pass.
    assert [name for name in steps(desk.kubelet.jobs) if not name.endswith("-o")] == RUN
    assert set(desk.kubelet.store.tried.values()) == {1}


def test_a_clock_that_jumps_by_days_changes_nothing(desk: Desk, config: Path) -> None:
    days = itertools.cycle([0, 3, -3, 0, 400, -400])
    now = lambda: datetime.now(UTC) + timedelta(days=next(days))  # noqa: E731
    with running(config, now=now, namespaces=(desk.namespace,)):
        desk.apply(resource(refresh="24h"))
        desk.wait_for("Complete", seconds=120)
    assert set(desk.kubelet.store.tried.values()) == {1}
    # A pass that was opened while the clock made a refresh due is taken up by an open step.
    others = [name for name in steps(desk.kubelet.jobs) if not name.endswith(("-v", "-o"))]
    assert others == RUN[:-1]


def test_somebody_elses_writes_to_the_resource_make_conflicts_and_no_harm(
    desk: Desk, config: Path, defined: ControlPlane
) -> None:
    user = f"system:serviceaccount:{desk.namespace}:{ACCOUNT}"

    async def after_somebody_else(number: int, method: str, path: str, send: Send) -> Json:
        if "videopipelines" in path and number % 2:
            await asyncio.to_thread(desk.edit, {"metadata": {"labels": {"touched": str(number)}}})
        return await send()

    with running(config, Faults(after_somebody_else).layer, namespaces=(desk.namespace,)):
        desk.apply(resource())
        desk.wait_for("Complete", seconds=120)
    answers = Counter(event["responseStatus"]["code"] for event in defined.audit(user))
    assert answers[409], answers
    as_if_nothing_had_happened(desk)
