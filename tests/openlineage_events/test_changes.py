"""Whatever happens to a pipeline, what begins ends once, passes belong to a run, and ends say what became of them."""

from hypothesis import HealthCheck, given, settings

from plan.test_laws import STAGES, bounds, calm, deeds, do, some_videos
from reelmill.contract.status import Condition, Status
from reelmill.openlineage.changes import RunChange, changes
from reelmill.plan import Plan, PlannerSettings
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore


class Watched(SimulatedCluster):
    """A cluster whose statuses are looked at as they are written."""

    def __init__(self, videos: list[str], bound: int) -> None:
        super().__init__(pipeline(STAGES), SymbolicStore(bucket={"raw": list(videos)}))
        self.settings = PlannerSettings(whole_items=bound)
        self.seen: list[RunChange] = []
        self.last = self.status

    def apply(self, plan: Plan, *, writes: int | None = None) -> None:
        super().apply(plan, writes=writes)
        self.seen += changes(self.last, self.status)
        self.last = self.status


def identity(change: RunChange) -> tuple[object, ...]:
    of = change.of
    return (change.began, of.stage, of.key, of.segment) if of else (change.began,)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(deeds, some_videos, bounds)
def test_what_begins_ends_once_whatever_happens(
    happenings: list[tuple[str, int]], videos: list[str], bound: int
) -> None:
    cluster = Watched(videos, bound)
    for deed, number in happenings:
        do(cluster, deed, number)
    calm(cluster)
    open_: set[tuple[object, ...]] = set()
    for change in cluster.seen:
        assert (change.began,) in open_ or (change.transition, change.of) == ("START", None), "a pass belongs to a run"
        if change.transition == "START":
            assert identity(change) not in open_
            open_.add(identity(change))
        else:
            open_.remove(identity(change))
    assert not open_


def run(videos: int = 3, bound: int = 0) -> Watched:
    cluster = Watched([f"v{number}" for number in range(videos)], bound)
    cluster.settle()
    return cluster


def test_a_run_that_completes_has_its_passes_inside() -> None:
    cluster = run()
    assert [(each.transition, each.of) for each in (cluster.seen[0], cluster.seen[-1])] == [
        ("START", None),
        ("COMPLETE", None),
    ]
    passes = [each for each in cluster.seen if each.of]
    assert {each.of.stage for each in passes if each.of} == {stage["name"] for stage in STAGES}
    began, ended = (each for each in passes if each.of and each.of.stage == "clips")
    assert (began.transition, ended.transition) == ("START", "COMPLETE")
    status = cluster.status.stage("clips")
    of = ended.of
    assert of is not None
    assert (of.segment, of.inputs, of.made) == (1, 3, status.items)
    assert dict(of.outcomes)["done"] == status.totals.done


def test_the_passes_of_growth_say_what_they_added() -> None:
    cluster = run()
    before = cluster.status.stage("clips").items
    cluster.store.bucket["raw"].append("v9")
    cluster.annotations["reelmill.dev/refresh"] = "now"
    cluster.seen.clear()
    cluster.settle()
    (of,) = (each.of for each in cluster.seen if each.transition == "COMPLETE" and each.of and each.of.stage == "clips")
    assert (of.segment, of.inputs, of.made) == (2, 1, cluster.status.stage("clips").items - before)


def test_a_step_that_fails_for_good_fails_its_pass_and_the_run_with_the_message() -> None:
    cluster = Watched(["v1"], 0)
    cluster.store.exits["clips", "open"] = [64]
    cluster.settle()
    failed = [each for each in cluster.seen if each.transition == "FAIL"]
    assert [each.of.stage if each.of else "" for each in failed] == ["clips", ""]
    stall = cluster.status.stage("clips").stall
    assert stall is not None
    assert all(stall.message in each.message for each in failed)


def test_a_suspended_run_is_aborted_and_goes_on_as_another_one() -> None:
    cluster = Watched(["v1", "v2"], 0)
    while not any(each.of for each in cluster.seen):
        cluster.deliver_all()
        cluster.reconcile()
        for name in cluster.live():
            cluster.advance(name)
    cluster.edit(suspend=True)
    cluster.settle()
    assert [each.transition for each in cluster.seen[-2:]] == ["ABORT", "ABORT"]
    cluster.edit(suspend=False)
    cluster.settle()
    runs = [each.began for each in cluster.seen if each.transition == "START" and each.of is None]
    assert len(set(runs)) == 2
    assert cluster.seen[-1].transition == "COMPLETE"


def test_the_removal_of_data_is_no_run() -> None:
    removing = Condition(
        type="Reconciling", status="True", reason="Removing", last_transition_time="2026-01-01T00:00:00Z"
    )
    assert changes(Status(), Status(conditions=[removing])) == []


def test_a_lost_status_ends_what_it_told_of() -> None:
    cluster = Watched(["v1"], 0)
    cluster.reconcile()
    assert [each.transition for each in changes(cluster.status, Status())] == ["ABORT"]
