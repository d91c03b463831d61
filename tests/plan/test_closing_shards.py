"""The pod of the last shard closes the pass; a commit step does it wherever that pod did not."""

import json
from typing import Any

import pytest

from reelmill.contract.digest import view_fingerprint
from reelmill.contract.task import Step
from reelmill.contract.task_parts.follow_up import ENV, FollowUp
from reelmill.plan import PlannerSettings
from reelmill.plan.jobs.tasks import view_params
from reelmill.plan.passes.steps import SHARDS_THAT_CLOSE
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

CLIPS: dict[str, Any] = {"name": "clips", "clip": {"by": "length"}, "shards": 3}
SAMPLES: dict[str, Any] = {"name": "samples", "frames": {}, "shards": 2}


def cluster(*stages: dict[str, Any], videos: int = 6, **spec: Any) -> SimulatedCluster:
    store = SymbolicStore(bucket={"raw": [f"v{number}" for number in range(videos)]})
    return SimulatedCluster(pipeline(list(stages or (CLIPS,)), **spec), store)


def steps(made: SimulatedCluster) -> list[str]:
    """`<stage>:<letter>` of the Jobs after the survey, in order."""
    return [f"{name.split('-')[1]}:{name.rsplit('-', 1)[1][0]}" for name in made.created[1:]]


def shards_at_work(made: SimulatedCluster) -> str:
    """Run until the shards of clips may run; returns the name of their Job."""
    while not made.created or not made.created[-1].rsplit("-", 1)[1].startswith("s"):
        made.deliver_all()
        made.reconcile()
        for name in made.live():
            if not name.rsplit("-", 1)[1].startswith("s"):
                made.advance(name)
    return made.created[-1]


def follow_up(made: SimulatedCluster, name: str) -> FollowUp | None:
    (container,) = made.jobs[name]["spec"]["template"]["spec"]["containers"]
    text = next((each["value"] for each in container["env"] if each["name"] == ENV), None)
    return FollowUp.model_validate_json(text) if text else None


def test_its_task_and_its_follow_up_have_all_that_a_commit_step_needs() -> None:
    made = cluster(CLIPS, SAMPLES)
    job = shards_at_work(made)
    task, after = made.task(job), follow_up(made, job)
    assert task.step is Step.SHARDS
    assert task.complete
    assert made.plan().status.stage("clips").pass_.view == view_fingerprint(task.view)
    assert after is not None
    assert after.closes
    assert [stage.name for stage in after.next] == ["samples"]
    assert made.jobs[job]["metadata"]["annotations"]["reelmill.dev/closes"] == "true"


def test_the_next_pass_that_it_opened_is_run_at_once() -> None:
    made = cluster(CLIPS, SAMPLES)
    made.settle()
    assert steps(made) == ["clips:s", "samples:s"]
    assert made.task(made.created[2]).shard_map == ""
    assert made.status.stage("samples").totals.done == 6
    assert set(made.store.tried.values()) == {1}


@pytest.mark.parametrize(
    ("shards", "bound", "closes"),
    [(SHARDS_THAT_CLOSE, 1000, True), (SHARDS_THAT_CLOSE + 1, 1000, False), (3, 2, True), (3, 1, False), (3, 0, False)],
    ids=["as many shards as are read", "more", "as many items as are small", "more items", "never"],
)
def test_a_large_pass_has_a_commit_step_of_its_own(shards: int, bound: int, closes: bool) -> None:
    made = cluster({**CLIPS, "shards": shards}, videos=max(shards, 6))
    made.settings = PlannerSettings(whole_items=bound)
    job = shards_at_work(made)
    assert (follow_up(made, job) is not None) == closes
    made.settle()
    assert steps(made)[-1] == ("clips:s" if closes else "clips:c")
    assert made.status.holds("Complete")


@pytest.mark.parametrize("what", ["an older image", "the close fails", "the report is lost"])
def test_a_pass_that_no_shard_has_told_to_be_closed_is_closed_by_its_commit_step(what: str) -> None:
    made = cluster()
    job = shards_at_work(made)
    made.store.closes = what != "an older image"
    if what == "the close fails":
        made.store.exits["clips", "commit"] = [70]
    for _ in range(3):
        made.advance(job)
    if what == "the report is lost":
        made.reports[job] = ""
    made.settle()
    assert steps(made) == ["clips:s", "clips:c"] or steps(made) == ["clips:o", "clips:s", "clips:c"]
    assert made.status.holds("Complete")
    assert made.status.stage("clips").segments == 1
    assert set(made.store.tried.values()) == {1}


def test_a_second_attempt_leaves_it_to_a_commit_step() -> None:
    made = cluster({**CLIPS, "failures": {"attempts": 3, "retriesPerShard": 0}})
    made.store.exits["clips", "shards"] = [70]
    made.settle()
    assert steps(made) == ["clips:s", "clips:s", "clips:c"]
    assert follow_up(made, made.created[2]) is None
    assert made.status.stage("clips").totals.done == 6


def test_a_pass_that_is_abandoned_while_its_last_shard_closes_it_stays_closed() -> None:
    made = cluster()
    job = shards_at_work(made)
    for _ in range(3):
        made.advance(job)
    made.annotations = {"reelmill.dev/abandon": "t1"}
    made.reconcile()
    made.settle()
    assert made.status.holds("Complete")
    assert [segment.state for data in made.store.stages.values() for segment in data.closed] == ["committed"]
    assert set(made.store.tried.values()) == {1}


def test_views_that_were_edited_meanwhile_are_built_again() -> None:
    made = cluster(CLIPS, SAMPLES)
    while not made.created or "-samples-" not in made.created[-1]:
        made.deliver_all()
        made.reconcile()
        for name in made.live():
            if "-samples-" not in name:
                made.advance(name)
    made.edit_stage("samples", view={"split": {"mode": "by_video"}})
    made.settle()
    assert steps(made) == ["clips:s", "samples:s", "samples:c"]
    assert made.task(made.created[-1]).view_only
    assert made.status.stage("samples").view == view_fingerprint(json.loads(json.dumps(view_of(made))))


def view_of(made: SimulatedCluster) -> dict[str, Any]:
    from reelmill.plan import define

    return view_params(define(made.pipeline, made.uid), "samples")
