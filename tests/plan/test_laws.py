"""Laws of the planner: whatever happens, and in whatever order it is seen, it converges and does nothing twice."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelmill.contract.status import Status
from reelmill.plan import PlannerSettings
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

STAGES = [
    {"name": "clips", "clip": {"by": "length"}, "shards": 3, "failures": {"tolerate": "100%", "attempts": 2}},
    {"name": "samples", "frames": {}, "failures": {"tolerate": "100%"}},
    {
        "name": "tars",
        "from": ["raw", "clips"],
        "pack": {},
        "failures": {"tolerate": "100%", "retryItems": {"classes": ["decode"], "times": 1}},
    },
    {"name": "index", "index": {}, "failures": {"tolerate": "100%"}},
]

EXAMPLES = settings().max_examples
"""Of the profile: a history costs what many small examples cost."""

DEEDS = (
    *("reconcile",) * 6,
    *("advance",) * 8,
    *("deliver",) * 4,
    *("crash_after", "lose_status", "lose_report", "delete_job", "grow", "fail_item", "time"),
    *("exit_70", "exit_75", "exit_76", "exit_65", "exit_64", "foreign"),
    *("rerun", "view", "suspend", "resume", "limit", "parallelism", "waves", "epoch", "move"),
    *("retry", "refresh", "abandon"),
    *("other_images", "bound"),
)


def do(cluster: SimulatedCluster, deed: str, number: int) -> None:
    live = cluster.live()
    stage = STAGES[number % len(STAGES)]["name"]
    assert isinstance(stage, str)
    match deed:
        case "reconcile":
            cluster.reconcile()
        case "advance" if live:
            cluster.advance(live[number % len(live)])
        case "deliver":
            names = sorted({*cluster.jobs, *cluster.visible})
            if names:
                cluster.deliver(names[number % len(names)])
        case "crash_after":
            # A restart sees everything anew.
            cluster.apply(cluster.plan(), writes=number % 4)
            cluster.deliver_all()
        case "lose_status":
            cluster.deliver_all()
            cluster.status = Status()
        case "lose_report" if cluster.reports:
            cluster.reports[sorted(cluster.reports)[number % len(cluster.reports)]] = ""
        case "delete_job" if gone := sorted(cluster.noticed & set(cluster.jobs)):
            # By hand. One that is deleted in the moment between its creation and the next look is created again.
            del cluster.jobs[gone[number % len(gone)]]
        case "grow":
            cluster.store.bucket["raw"].append(f"v{len(cluster.store.bucket['raw'])}")
        case "fail_item":
            key = f"raw/v{number}"
            cluster.store.failing.setdefault((stage, key), []).append(("decode", "s3_5xx")[number % 2])
        case "time":
            cluster.now += timedelta(minutes=10 * number)
        case "exit_64" | "exit_65" | "exit_70" | "exit_75" | "exit_76":
            step = ("open", "shards", "commit", "survey")[number % 4]
            code = int(deed[-2:])
            if code != 65 or step == "shards":
                cluster.store.exits.setdefault(("" if step == "survey" else stage, step), []).append(code)
        case "foreign":
            cluster.store.foreign ^= {stage}
        case "rerun":
            cluster.edit_stage(stage, rerun=str(number))
        case "view":
            cluster.edit_stage("samples", view={"split": {"seed": number}})
        case "suspend" | "resume":
            cluster.edit(suspend=deed == "suspend")
        case "limit":
            cluster.edit(limits={"maxActiveStages": 1 + number % 3})
        case "parallelism":
            cluster.edit_stage(stage, parallelism=1 + number)
        case "waves":
            cluster.edit(waves=1 + number % 4)
        case "epoch":
            cluster.edit(sources=[{"name": "raw", "files": {"uri": "s3://in/videos/"}, "epoch": str(number % 2)}])
        case "move":
            cluster.edit(store={"uri": "s3://out/demo", "endpoint": f"http://s3-{number % 2}"})
        case "other_images":
            # An upgrade of the stage images, or its reversal.
            cluster.store.closes = not cluster.store.closes
            if number % 2:
                cluster.store.follows_up = not cluster.store.follows_up
        case "bound":
            cluster.settings = PlannerSettings(whole_items=(0, 1, 3, 1000)[number % 4])
        case "retry" | "refresh" | "abandon":
            cluster.annotations[f"reelmill.dev/{deed}"] = f"{deed}-{number};stages={stage}"


def effective(cluster: SimulatedCluster) -> dict[str, dict[str, str]]:
    """Per stage under its present key: input -> outcome."""
    return {
        stage.name: cluster.store.stages[stage.name, stage.key].effective
        for stage in cluster.status.stages
        if (stage.name, stage.key) in cluster.store.stages
    }


def calm(cluster: SimulatedCluster) -> None:
    """Nothing fails any more; a person resumes and asks for a retry of everything."""
    cluster.store.exits.clear()
    cluster.store.failing.clear()
    cluster.store.foreign.clear()
    cluster.edit(suspend=False)
    cluster.settle()
    cluster.annotations = {"reelmill.dev/retry": f"calm-{cluster.status.run}"}
    cluster.settle()


bounds = st.sampled_from([0, 1, 3, 1000])
"""Items of a pass that one pod may do."""
deeds = st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 7)), max_size=80)
some_videos = st.integers(0, 9).map(lambda count: [f"v{number}" for number in range(count)])


@settings(max_examples=EXAMPLES // 2, suppress_health_check=[HealthCheck.too_slow])
@given(deeds, some_videos, bounds)
def test_whatever_happens_the_end_is_complete_and_every_input_is_accounted_for(
    happenings: list[tuple[str, int]], videos: list[str], bound: int
) -> None:
    cluster = SimulatedCluster(pipeline(STAGES), SymbolicStore(bucket={"raw": list(videos)}))
    cluster.settings = PlannerSettings(whole_items=bound)
    for deed, number in happenings:
        do(cluster, deed, number)
    calm(cluster)

    assert cluster.status.holds("Complete"), cluster.status.conditions
    assert not cluster.status.holds("Stalled")
    listed = cluster.store.bucket["raw"]
    clips = [f"raw/{key}" for key in listed]
    assert (
        effective(cluster)
        == {
            "clips": dict.fromkeys(clips, "done"),
            "samples": {f"clips/{key}": "done" for key in clips},
            "tars": dict.fromkeys([*clips, *(f"clips/{key}" for key in clips)], "done"),
            "index": {f"tars/{key}": "done" for key in [*clips, *(f"clips/{key}" for key in clips)]},
        }
        or not listed
    )


@settings(max_examples=EXAMPLES // 4, suppress_health_check=[HealthCheck.too_slow])
@given(deeds)
def test_planning_again_after_applying_gives_no_action(happenings: list[tuple[str, int]]) -> None:
    cluster = SimulatedCluster(pipeline(STAGES), SymbolicStore(bucket={"raw": ["v0", "v1", "v2", "v3"]}))
    for deed, number in happenings:
        do(cluster, deed, number)
        if deed == "reconcile":
            first, second = cluster.reconcile(), cluster.reconcile()
            assert not second.actions or first.actions
            third = cluster.plan()
            assert third.actions == ()
            assert third.status == second.status


@settings(max_examples=EXAMPLES // 4, suppress_health_check=[HealthCheck.too_slow])
@given(deeds)
def test_the_same_snapshot_gives_the_same_plan(happenings: list[tuple[str, int]]) -> None:
    cluster = SimulatedCluster(pipeline(STAGES), SymbolicStore(bucket={"raw": ["v0", "v1"]}))
    for deed, number in happenings:
        assert cluster.plan() == cluster.plan()
        do(cluster, deed, number)


@settings(max_examples=EXAMPLES // 5, suppress_health_check=[HealthCheck.too_slow])
@given(st.permutations(range(12)), st.integers(1, 4), bounds, st.integers(1, 8))
def test_the_order_in_which_events_arrive_changes_no_outcome(
    order: list[int], waves: int, bound: int, count: int
) -> None:
    videos = [f"v{number}" for number in range(count)]
    cluster = SimulatedCluster(pipeline(STAGES, waves=waves), SymbolicStore(bucket={"raw": videos}))
    cluster.settings = PlannerSettings(whole_items=bound)
    for number in order * 8:
        cluster.reconcile()
        do(cluster, "advance", number)
        do(cluster, "deliver", number)
    cluster.settle()
    assert cluster.status.holds("Complete")
    assert all(count == 1 for count in cluster.store.tried.values())
