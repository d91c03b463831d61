"""A small pass is one pod, and a step that closes a segment opens the passes after it: how many pods a run takes."""

from typing import Any

import pytest

from reelmill.contract.task import CommitReport, Step
from reelmill.contract.task_parts.follow_up import ENV, FollowUp
from reelmill.plan import PlannerSettings
from reelmill.plan.jobs.placement import work_resources
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

CLIPS: dict[str, Any] = {"name": "clips", "clip": {"by": "length"}}
SAMPLES: dict[str, Any] = {"name": "samples", "frames": {}}
TARS: dict[str, Any] = {"name": "tars", "from": ["clips"], "pack": {}}
EVERYTHING: dict[str, Any] = {"failures": {"tolerate": "100%"}}


def cluster(*stages: dict[str, Any], videos: int = 6, settings: PlannerSettings | None = None, **spec: Any) -> Any:
    store = SymbolicStore(bucket={"raw": [f"v{number}" for number in range(videos)]})
    made = SimulatedCluster(pipeline(list(stages), **spec), store)
    made.settings = settings or PlannerSettings()
    return made


def chain(length: int, shards: int | str) -> list[dict[str, Any]]:
    return [{"name": f"s{number}", "clip": {"by": "length"}, "shards": shards} for number in range(length)]


def steps(made: SimulatedCluster, before: int = 0) -> list[str]:
    """`<stage>:<letter>` of the Jobs, in order."""
    return [f"{name.split('-')[1]}:{name.rsplit('-', 1)[1][0]}" for name in made.created[before:]]


def pods(made: SimulatedCluster) -> int:
    return sum(made.jobs[name]["spec"]["completions"] for name in made.created)


def follow_up(made: SimulatedCluster, name: str) -> FollowUp:
    (container,) = made.jobs[name]["spec"]["template"]["spec"]["containers"]
    return FollowUp.model_validate_json(next(each["value"] for each in container["env"] if each["name"] == ENV))


@pytest.mark.parametrize(
    ("shards", "images", "jobs", "count"),
    [
        (1, "new", 6, 6),
        (2, "new", 6, 11),
        (1, "no closing", 6, 6),
        (2, "no closing", 11, 16),
        (1, "older", 16, 16),
        (2, "older", 16, 21),
    ],
)
def test_the_pods_of_five_stages(shards: int, images: str, jobs: int, count: int) -> None:
    made = cluster(*chain(5, shards))
    made.store.follows_up, made.store.closes = images != "older", images == "new"
    made.settle()
    assert made.status.holds("Complete")
    assert (len(made.created), pods(made)) == (jobs, count)
    assert set(made.store.tried.values()) == {1}


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([{**CLIPS, "shards": 1}, {**SAMPLES, "shards": 1}], ["clips:w", "samples:w"]),
        ([{**CLIPS, "shards": 3}, {**SAMPLES, "shards": 1}], ["clips:s", "samples:w"]),
        ([{**CLIPS, "shards": 1}, {**SAMPLES, "shards": 3}], ["clips:w", "samples:s"]),
        # Another image, account or environment: the open step runs where its own pod would have run.
        ([{**CLIPS, "image": "own:1"}], ["clips:o", "clips:s"]),
        ([{**CLIPS, "serviceAccountName": "reader"}], ["clips:o", "clips:s"]),
        ([{**CLIPS, "env": [{"name": "A", "value": "1"}]}], ["clips:o", "clips:s"]),
        ([{**CLIPS, "image": "own:1", "shards": 1}], ["clips:w"]),
        # Placement is that of the shards and needs no open step of its own.
        ([{**CLIPS, "gpu": {"count": 1}, "nodeSelector": {"pool": "gpu"}}], ["clips:s"]),
        (
            [{**CLIPS, "shards": 2}, {**SAMPLES, "from": ["raw", "clips"], "shards": 2}],
            ["clips:s", "samples:o", "samples:s", "samples:o", "samples:s"],
        ),
    ],
    ids=["small", "small after large", "large after small", "image", "account", "env", "small image", "gpu", "union"],
)
def test_which_jobs_a_run_has_after_its_survey(stages: list[dict[str, Any]], expected: list[str]) -> None:
    made = cluster(*stages)
    made.settle()
    assert made.status.holds("Complete")
    assert sorted(steps(made)[1:]) == sorted(expected)


@pytest.mark.parametrize(("items", "whole"), [(0, False), (5, False), (6, True)])
def test_the_bound_is_the_operators(items: int, whole: bool) -> None:
    made = cluster({**CLIPS, "shards": 1}, settings=PlannerSettings(whole_items=items))
    made.settle()
    assert steps(made)[1:] == (["clips:w"] if whole else ["clips:s", "clips:c"])


def test_a_whole_pass_has_the_placement_the_retries_and_the_limits_of_a_shard() -> None:
    stage = {
        **CLIPS,
        "shards": 1,
        "gpu": {"count": 1},
        "resources": {"requests": {"cpu": "4", "memory": "8Gi"}},
        "nodeSelector": {"pool": "gpu"},
        "failures": {"retriesPerShard": 5, "itemTimeout": "2m"},
    }
    made = cluster(stage)
    made.settle()
    job, task = made.jobs[made.created[1]], made.task(made.created[1])
    spec = job["spec"]["template"]["spec"]
    assert job["metadata"]["labels"]["reelmill.dev/step"] == "whole"
    assert job["metadata"]["labels"]["reelmill.dev/attempt"] == "1"
    assert spec["nodeSelector"] == {"pool": "gpu"}
    assert spec["containers"][0]["resources"] == work_resources(made.pipeline.spec.stages[0])
    assert (job["spec"]["completions"], job["spec"]["backoffLimitPerIndex"]) == (1, 5)
    # An image that knows nothing of whole passes opens the pass.
    assert (task.step, task.cover, task.limits.item_timeout, task.limits.workers) == (Step.OPEN, {"raw": 1}, 120.0, 4)
    assert follow_up(made, made.created[1]).whole


@pytest.mark.parametrize(
    ("step", "codes", "expected"),
    [
        # The pass was refused: its own open step says so again, or finds that it can be opened.
        ("open", [75] * 4, ["clips:w", "clips:o", "clips:s"]),
        ("open", [76], ["clips:w", "survey:v", "clips:w"]),
        # The pod was lost more often than the Job retries it, such as for want of memory.
        ("shards", [137] * 4, ["clips:w", "clips:o", "clips:s", "clips:c"]),
        ("shards", [70] * 4, ["clips:w", "clips:o", "clips:s", "clips:c"]),
        ("shards", [76], ["clips:w", "survey:v", "clips:o", "clips:s"]),
        # A few lost pods are the Job's own affair.
        ("shards", [137, 75, 70], ["clips:w"]),
        ("commit", [75, 75], ["clips:w"]),
        ("commit", [137] * 4, ["clips:w", "clips:o", "clips:c"]),
    ],
)
def test_what_follows_a_whole_pass_that_failed(step: str, codes: list[int], expected: list[str]) -> None:
    made = cluster({**CLIPS, "shards": 1})
    made.store.exits["clips", step] = list(codes)
    made.settle()
    assert made.status.holds("Complete"), made.status.conditions
    assert steps(made)[1:] == expected
    assert made.status.stage("clips").totals.done == 6


@pytest.mark.parametrize(
    ("step", "code", "reason", "words"),
    [
        ("open", 64, "SpecError", "clips: opening the pass: on purpose; mend it"),
        ("shards", 64, "SpecError", "clips: processing its items: on purpose; mend it"),
        ("shards", 65, "EarlyAbort", "clips: processing its items: on purpose; mend it"),
        ("commit", 64, "SpecError", "clips: closing the pass: on purpose; mend it"),
    ],
)
def test_a_stall_names_the_step_in_which_a_whole_pass_failed(step: str, code: int, reason: str, words: str) -> None:
    made = cluster({**CLIPS, "shards": 1})
    made.store.exits["clips", step] = [code]
    made.settle()
    stalled = made.status.condition("Stalled")
    assert (stalled.status, stalled.reason, stalled.message) == ("True", reason, words)
    made.annotations = {"reelmill.dev/retry": "t1"}
    made.settle()
    assert made.status.holds("Complete")


def test_a_whole_pass_counts_as_an_attempt() -> None:
    made = cluster({**CLIPS, "shards": 1, "failures": {"attempts": 2, "retriesPerShard": 0, "tolerate": "100%"}})
    made.store.exits["clips", "shards"] = [137, 137]
    made.settle()
    assert steps(made)[1:] == ["clips:w", "clips:o", "clips:s", "clips:c"]
    assert made.task(made.created[3]).attempt == 2
    assert made.task(made.created[4]).close_lost
    assert made.status.stage("clips").reasons == {"failed:shard_lost": 6}
    retried = [event.message for plan in made.plans for event in plan.events if event.reason == "ShardsRetried"]
    assert retried == ["clips: attempt 2 of 1 shard"]


def test_the_status_of_a_whole_pass_is_that_of_one_shard_at_work() -> None:
    made = cluster({**CLIPS, "shards": 1})
    made.reconcile()
    made.advance(made.created[0])
    made.deliver_all()
    made.reconcile()
    stage = made.status.stage("clips")
    assert (stage.state, made.status.shards, stage.pass_.items) == ("queued", "0/1", 6)
    made.jobs[made.created[1]]["status"]["active"] = 1
    made.deliver_all()
    made.reconcile()
    assert made.status.stage("clips").state == "running"


def test_a_limit_of_active_stages_counts_whole_passes() -> None:
    stages = [{**CLIPS, "shards": 1}, {**SAMPLES, "shards": 1}, {**TARS, "shards": 1}]
    made = cluster(*stages, limits={"maxActiveStages": 1})
    for _ in range(40):
        made.deliver_all()
        made.reconcile()
        assert len([name for name in made.live() if name.rsplit("-", 1)[1][0] == "w"]) <= 1
        for name in made.live():
            made.advance(name)
    assert made.status.holds("Complete")


def test_abandon_closes_a_whole_pass_that_runs() -> None:
    made = cluster({**CLIPS, "shards": 1})
    made.reconcile()
    made.advance(made.created[0])
    made.deliver_all()
    made.reconcile()
    running = made.created[-1]
    made.annotations = {"reelmill.dev/abandon": "t1"}
    made.settle()
    assert running not in made.jobs
    assert made.status.holds("Complete")
    assert made.status.stage("clips").segments == 2


def test_over_the_tolerance_no_later_pass_is_opened() -> None:
    made = cluster({**CLIPS, "shards": 2, "failures": {"tolerate": "0"}}, SAMPLES)
    made.store.failing["clips", "raw/v0"] = ["decode"]
    made.settle()
    assert made.status.holds("Stalled")
    assert all(data.open is None for data in made.store.stages.values())
    assert made.status.stage("samples").found == 0


def test_a_retry_that_is_asked_for_while_a_pass_is_opened_for_new_input_follows_it() -> None:
    made = cluster({**CLIPS, **EVERYTHING, "shards": 2}, {**SAMPLES, **EVERYTHING, "shards": 2})
    made.store.closes = False
    made.store.failing["samples", "clips/raw/v0"] = ["decode"]
    made.settle()
    made.store.bucket["raw"] += ["w0", "w1"]
    made.annotations = {"reelmill.dev/refresh": "t1"}
    while not made.created[-1].rsplit("-", 1)[1].startswith("c") or "clips" not in made.created[-1]:
        made.deliver_all()
        made.reconcile()
        for name in made.live():
            if name.rsplit("-", 1)[1][0] != "c":
                made.advance(name)
    # The commit step of clips opens the next pass of samples; before that is seen, its own retry pass is planned.
    closing = made.created[-1]
    made.advance(closing)
    ended = made.jobs[closing]["status"].pop("conditions")
    made.annotations = {**made.annotations, "reelmill.dev/retry": "t2;stages=samples"}
    for _ in range(3):
        made.deliver_all()
        made.reconcile()
        for name in made.live():
            if name != closing:
                made.advance(name)
    made.jobs[closing]["status"]["conditions"] = ended
    made.settle()
    assert made.status.holds("Complete")
    assert made.status.stage("samples").totals.failed == 0
    assert made.status.stage("samples").totals.done == 8
    assert {count for key, count in made.store.tried.items() if key != "samples/clips/raw/v0"} == {1}


def test_an_edit_meanwhile_leaves_the_pass_that_was_opened_under_the_old_key() -> None:
    made = cluster({**CLIPS, "shards": 2}, {**SAMPLES, "shards": 2})
    made.store.closes = False
    while not made.created[-1:] or "-clips-" not in made.created[-1] or made.created[-1].rsplit("-", 1)[1][0] != "c":
        made.deliver_all()
        made.reconcile()
        for name in made.live():
            if name.rsplit("-", 1)[1][0] != "c":
                made.advance(name)
    made.advance(made.created[-1])
    made.edit_stage("samples", frames={"count": 32})
    made.settle()
    assert made.status.holds("Complete")
    assert made.status.stage("samples").totals.done == 6
    assert sum(data.open is not None for data in made.store.stages.values()) == 1
    made.edit_stage("samples", frames={})
    made.settle()
    assert all(data.open is None for data in made.store.stages.values())


def test_a_report_of_a_newer_image_is_read_without_what_was_not_asked_for() -> None:
    assert "next" not in CommitReport(segment=1).model_dump(exclude_defaults=True)


def test_older_images_open_a_pass_that_is_meant_to_be_done_as_a_whole() -> None:
    made = cluster({**CLIPS, **EVERYTHING, "shards": 1})
    made.store.failing["clips", "raw/v0"] = ["decode"]
    made.settle()
    before = len(made.created)
    made.store.follows_up = False
    made.annotations = {"reelmill.dev/retry": "t1"}
    made.settle()
    assert steps(made, before) == ["survey:v", "clips:w", "clips:s", "clips:c"]
    assert made.status.stage("clips").totals.failed == 0


def test_a_few_failed_items_are_retried_by_one_pod() -> None:
    made = cluster({**CLIPS, **EVERYTHING, "shards": 1})
    made.store.failing["clips", "raw/v0"] = ["decode"]
    made.settle()
    before = len(made.created)
    made.annotations = {"reelmill.dev/retry": "t1"}
    made.settle()
    assert steps(made, before) == ["survey:v", "clips:w"]
