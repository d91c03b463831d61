"""What happens without a hand: surveys that were given up are tried again, refreshes come round, wrong clocks pass."""

from datetime import timedelta
from typing import Any

import pytest

from reelmill.plan import Plan
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

CLIPS: dict[str, Any] = {"name": "clips", "clip": {"by": "length"}}
SAMPLES: dict[str, Any] = {"name": "samples", "frames": {}}


def cluster(*stages: dict[str, Any], videos: int = 2, **spec: Any) -> SimulatedCluster:
    store = SymbolicStore(bucket={"raw": [f"v{number}" for number in range(videos)]})
    return SimulatedCluster(pipeline(list(stages) or [CLIPS], **spec), store)


def woken(made: SimulatedCluster, hours: float) -> list[Plan]:
    """Let time pass: the planner is woken when it asked to be, and pods run at once."""
    end, plans = made.now + timedelta(hours=hours), []
    while made.now < end:
        made.deliver_all()
        plans.append(plan := made.reconcile())
        live = made.live()
        for name in live:
            made.advance(name)
        if not live and not plan.actions:
            made.now = min(made.now + timedelta(seconds=plan.wake_after or 10**6), end)
    return plans


def test_a_bucket_that_does_not_exist_is_reported_and_used_once_it_exists() -> None:
    made = cluster()
    made.store.exits["", "survey"] = [64] * 1000
    woken(made, 2)
    tried = len(made.created)
    assert made.status.holds("Stalled")
    assert made.status.holds("Failed")
    assert not made.status.holds("Reconciling")
    assert 8 < tried < 20
    since = made.status.condition("Stalled")
    made.store.exits.clear()
    woken(made, 0.5)
    assert made.status.holds("Complete")
    assert since
    assert since.last_transition_time < "2026-01-01T00:01"


def test_an_edit_lifts_what_was_given_up_at_once() -> None:
    made = cluster()
    made.store.exits["", "survey"] = [64]
    woken(made, 0.01)
    assert made.status.holds("Stalled")
    made.edit(ttl={"succeeded": "2h"})
    woken(made, 0.01)
    assert made.status.holds("Complete")


def test_refresh_comes_round_and_takes_up_what_is_new() -> None:
    made = cluster(refresh="6h")
    woken(made, 1)
    assert made.status.holds("Complete")
    before = len(made.created)
    made.store.bucket["raw"].append("new")
    woken(made, 4)
    assert len(made.created) == before
    woken(made, 2)
    assert made.status.stage("clips").totals.done == 3
    before = len(made.created)
    woken(made, 24)
    assert len(made.created) - before == 4, "surveys and nothing else"


@pytest.mark.parametrize("days", [-400, -1, 1, 400])
@pytest.mark.parametrize("deed", ["foreign", "refresh", "nothing", "survey"])
def test_a_clock_that_jumps_stops_nothing_and_doubles_nothing(days: int, deed: str) -> None:
    made = cluster(CLIPS, SAMPLES, **({"refresh": "6h"} if deed == "refresh" else {}))
    if deed == "foreign":
        made.store.foreign.add("clips")
    if deed == "survey":
        made.store.exits["", "survey"] = [64]
    for _ in range(4):
        made.deliver_all()
        made.reconcile()
        for name in made.live():
            made.advance(name)
    made.now += timedelta(days=days)
    made.store.foreign.clear()
    woken(made, 1)
    assert made.status.holds("Complete")
    assert set(made.store.tried.values()) == {1}
    if deed == "refresh":
        made.store.bucket["raw"].append("new")
        woken(made, 7)
        assert made.status.stage("samples").totals.done == 3


def test_parallelism_is_edited_in_the_job_that_runs() -> None:
    made = cluster({**CLIPS, "shards": 8, "parallelism": 2}, videos=8)
    while not (names := [name for name in made.live() if "-s" in name[-4:]]):
        made.deliver_all()
        made.reconcile()
        for name in made.live():
            made.advance(name)
    made.deliver_all()
    made.reconcile()
    for wanted, expected in ((5, 5), (100, 8), (1, 1)):
        made.edit_stage("clips", parallelism=wanted)
        made.reconcile()
        assert made.jobs[names[0]]["spec"]["parallelism"] == expected
        assert made.reconcile().actions == ()
    assert made.live() == names


def test_a_queue_that_admitted_less_is_not_argued_with() -> None:
    made = cluster({**CLIPS, "shards": 8, "parallelism": 8}, videos=8, queue={"name": "q"})
    for _ in range(5):
        made.deliver_all()
        made.reconcile()
        for name in made.live():
            made.jobs[name]["spec"].update(suspend=False, parallelism=3)
        made.deliver_all()
        if any("-s" in name[-4:] for name in made.live()):
            break
        for name in made.live():
            made.advance(name)
    assert made.reconcile().actions == ()


def test_waves_end_sooner_than_one_wave_where_two_stages_can_work_at_once() -> None:
    def makespan(waves: int) -> int:
        """Rounds in which each stage has one pod."""
        made = cluster(
            {**CLIPS, "shards": 8, "parallelism": 1}, {**SAMPLES, "shards": 8, "parallelism": 1},
            videos=64, waves=waves,
        )  # fmt: skip
        rounds = 0
        while not made.status.holds("Complete"):
            made.deliver_all()
            made.reconcile()
            live = made.live()
            # Only shards take time: control steps run to their end in the round that they begin in.
            while control := [name for name in live if "-s" not in name[-4:]]:
                for name in control:
                    made.advance(name)
                made.deliver_all()
                made.reconcile()
                live = made.live()
            for name in live:
                made.advance(name)
            rounds += bool(live)
        assert set(made.store.tried.values()) == {1}
        return rounds

    # A shard of a wave is an eighth of it: the work of a round shrinks with the number of waves.
    one, four = makespan(1), makespan(4) / 4
    assert one == 16
    assert four < one


def test_the_estimated_end_is_reported_as_shards_finish_and_not_with_every_call() -> None:
    made = cluster({**CLIPS, "shards": 4, "parallelism": 1}, videos=4)
    made.store.closes = False  # the pass is still there when all shards are done
    seen = []
    while not made.status.holds("Complete"):
        made.deliver_all()
        made.reconcile()
        made.now += timedelta(seconds=10)
        made.reconcile()
        if work := made.status.stage("clips").pass_:
            seen.append((work.done, work.eta))
        for name in made.live():
            made.advance(name)
    etas = dict(seen)
    assert not etas[0]
    assert len({eta for done, eta in seen if done == 2}) == 1
    assert etas[1]
    assert not etas[4]


def test_failed_shards_have_their_logs_named() -> None:
    made = cluster(
        {**CLIPS, "shards": 3, "failures": {"retriesPerShard": 0, "attempts": 1, "tolerate": "100%"}}, videos=3
    )
    made.store.exits["clips", "shards"] = [70]
    woken(made, 1)
    stage = made.status.stage("clips")
    assert stage.logs == f"{stage.path}/0001/_reelmill/logs"
    assert made.status.stage("clips").totals.failed == 1
