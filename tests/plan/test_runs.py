"""What a run consists of: a survey, then open, shards and commit of each pass, and nothing that is not needed."""

from datetime import timedelta
from typing import Any

import pytest

from reelmill.contract.status import Status
from reelmill.plan import DeleteJobs
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

CLIPS: dict[str, Any] = {"name": "clips", "clip": {"by": "length"}}
SAMPLES: dict[str, Any] = {"name": "samples", "frames": {}}
TARS: dict[str, Any] = {"name": "tars", "from": ["clips"], "pack": {}}


def cluster(*stages: dict[str, Any], videos: int = 6, **spec: Any) -> SimulatedCluster:
    keys = [f"v{number}" for number in range(videos)]
    return SimulatedCluster(pipeline(list(stages) or [CLIPS, SAMPLES], **spec), SymbolicStore(bucket={"raw": keys}))


def steps(names: list[str]) -> list[str]:
    """`<stage>:<letter>` of Job names."""
    return [f"{name.split('-')[1]}:{name.rsplit('-', 1)[1][0]}" for name in names]


def work_on_the_first_shard(made: SimulatedCluster) -> None:
    """The survey is done, with the open step, and one of the first stage's three shards."""
    for _ in range(2):
        made.deliver_all()
        made.reconcile()
        made.advance(made.created[-1])
    assert steps(made.created)[-1] == "clips:s"


def since(made: SimulatedCluster, before: int) -> list[str]:
    return steps(made.created[before:])


def test_with_older_images_a_run_is_a_survey_then_open_shards_and_commit_of_each_pass() -> None:
    made = cluster()
    made.store.follows_up = False
    made.settle()
    assert steps(made.created) == [
        "survey:v", "clips:o", "clips:s", "clips:c", "samples:o", "samples:s", "samples:c",
    ]  # fmt: skip
    assert made.status.holds("Complete")
    assert [stage.state for stage in made.status.stages] == ["done", "done"]


def test_a_lost_status_costs_one_survey_and_finds_everything_cached() -> None:
    made = cluster()
    made.settle()
    made.status, before = Status(), len(made.created)
    made.settle()
    assert since(made, before) == ["survey:v"]
    assert [stage.state for stage in made.status.stages] == ["cached", "cached"]
    assert made.status.stage("samples").totals.done == 6


def test_growth_is_covered_and_nothing_is_done_twice() -> None:
    made = cluster()
    made.settle()
    made.store.bucket["raw"] += ["v6", "v7", "v8"]
    made.annotations = {"reelmill.dev/refresh": "t1"}
    made.settle()
    assert made.status.stage("samples").totals.done == 9
    assert set(made.store.tried.values()) == {1}


def test_a_request_is_handled_once() -> None:
    made = cluster()
    made.annotations = {"reelmill.dev/refresh": "t1"}
    made.settle()
    before = len(made.created)
    made.settle()
    assert since(made, before) == []
    assert made.status.handled.refresh == "t1"


def test_a_refresh_that_finds_nothing_changes_nothing_but_the_time_of_the_listing() -> None:
    made = cluster(refresh="6h")
    made.settle()
    before, states = len(made.created), made.status.stages
    made.now += timedelta(hours=2)
    made.reconcile()
    made.now -= timedelta(hours=2)
    plan = made.plan()
    assert plan.wake_after is not None
    assert 6 * 3600 - 60 < plan.wake_after <= 6 * 3600
    made.now = made.now.replace(hour=7)
    made.settle()
    assert since(made, before) == ["survey:v"]
    assert made.status.stages == states


def test_waves_let_stages_overlap() -> None:
    made = cluster(CLIPS, SAMPLES, waves=3)
    made.settle()
    working = [{stage.name for stage in plan.status.stages if stage.pass_} for plan in made.plans]
    assert {"clips", "samples"} in working
    assert made.status.stage("clips").segments == 3
    assert set(made.store.tried.values()) == {1}


def test_without_waves_a_pass_covers_all_that_is_there() -> None:
    made = cluster(CLIPS, SAMPLES)
    made.settle()
    working = [{stage.name for stage in plan.status.stages if stage.pass_} for plan in made.plans]
    assert {"clips", "samples"} not in working
    assert made.status.stage("clips").segments == 1


def test_stages_of_one_upstream_work_at_the_same_time() -> None:
    made = cluster(CLIPS, SAMPLES, TARS)
    made.settle()
    assert {"samples", "tars"} in [{stage.name for stage in plan.status.stages if stage.pass_} for plan in made.plans]


@pytest.mark.parametrize(
    "edit",
    [
        {"ttl": {"succeeded": "2h", "failed": "2h"}},
        {"limits": {"maxActiveStages": 1}},
        {"waves": 4},
        {"control": {"resources": {"requests": {"cpu": "1"}}}},
        {"defaults": {"nodeSelector": {"pool": "x"}}},
    ],
    ids=lambda edit: next(iter(edit)),
)
def test_an_edit_that_defines_nothing_creates_no_job(edit: dict[str, Any]) -> None:
    made = cluster()
    made.settle()
    before = len(made.created)
    made.edit(**edit)
    made.settle()
    assert since(made, before) == []
    assert made.status.holds("Complete")


def test_editing_a_view_runs_one_commit_and_no_item() -> None:
    made = cluster()
    made.settle()
    before, tried = len(made.created), dict(made.store.tried)
    made.edit_stage("samples", view={"split": {"mode": "by_video"}})
    made.settle()
    assert since(made, before) == ["samples:c"]
    assert made.task(made.created[-1]).view_only
    assert made.task(made.created[-1]).segment == 1
    assert made.store.tried == tried


def test_editing_a_stage_runs_it_and_what_follows_again() -> None:
    made = cluster(CLIPS, SAMPLES, TARS)
    made.settle()
    before, old = len(made.created), made.status
    made.edit_stage("samples", frames={"count": 32})
    made.settle()
    assert since(made, before) == ["survey:v", "samples:s"]
    assert made.status.stage("clips").key == old.stage("clips").key
    assert made.status.stage("samples").key != old.stage("samples").key


def test_an_edit_during_a_run_takes_the_superseded_jobs_away() -> None:
    made = cluster(CLIPS)
    work_on_the_first_shard(made)
    running = made.created[-1]
    assert running in made.live()
    made.edit_stage("clips", rerun="again")
    made.reconcile()
    assert running not in made.jobs
    made.settle()
    assert made.status.holds("Complete")


def test_an_open_pass_in_the_store_is_finished_first() -> None:
    made = cluster(CLIPS)
    work_on_the_first_shard(made)
    made.jobs.clear()
    made.status, made.store.bucket["raw"] = Status(), [*made.store.bucket["raw"], "v9"]
    before = len(made.created)
    made.settle()
    assert since(made, before) == ["survey:v", "clips:o", "clips:s", "clips:o", "clips:w"]
    assert made.task(made.created[before + 2]).shard_map == "1-2"  # the first shard was committed
    assert set(made.store.tried.values()) == {1}


def test_a_job_of_a_lost_status_is_left_to_finish() -> None:
    made = cluster(CLIPS)
    work_on_the_first_shard(made)
    running = made.created[-1]
    made.status = Status()
    made.settle()
    assert running in made.jobs
    assert set(made.store.tried.values()) == {1}
    assert made.status.holds("Complete")


def test_a_pass_in_another_pipelines_hands_is_waited_for() -> None:
    made = cluster(CLIPS)
    made.store.foreign = {"clips"}
    for _ in range(12):
        made.deliver_all()
        made.reconcile()
        for name in made.live():
            made.advance(name)
    assert made.status.holds("SharedPass")
    assert made.status.holds("Reconciling")
    assert made.status.stage("clips").state == "shared"
    looks = len(made.created)
    assert made.reconcile().actions == ()
    made.store.foreign = set()
    made.settle()
    assert len(made.created) > looks
    assert made.status.holds("Complete")
    assert not made.status.holds("SharedPass")


def test_one_stage_at_a_time_when_limits_say_so() -> None:
    made = cluster(CLIPS, SAMPLES, TARS, limits={"maxActiveStages": 1})
    made.settle()
    for plan in made.plans:
        running = [s for s in plan.status.stages if s.pass_ and s.pass_.step == "shards" and s.pass_.seen]
        assert len(running) <= 1
    assert made.status.holds("Complete")


def test_suspend_pauses_jobs_in_place_and_resume_continues() -> None:
    made = cluster(CLIPS)
    work_on_the_first_shard(made)
    running, before = made.created[-1], len(made.created)
    made.edit(suspend=True)
    made.settle()
    assert made.jobs[running]["spec"]["suspend"] is True
    assert made.status.holds("Suspended")
    assert not made.status.holds("Reconciling")
    made.edit(suspend=False)
    made.settle()
    assert since(made, before) == []
    assert made.status.holds("Complete")


def test_with_a_queue_jobs_wait_for_admission_and_a_pause_takes_them_back() -> None:
    made = cluster(CLIPS, queue={"name": "research"})
    made.reconcile()
    survey = made.jobs[made.created[0]]
    assert survey["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "research"
    assert survey["spec"]["suspend"] is True
    assert made.reconcile().actions == ()  # the queue owns `suspend`
    made.edit(suspend=True)
    made.reconcile()
    assert made.live() == []


def test_finished_jobs_are_deleted_together_when_their_ttl_is_over() -> None:
    made = cluster()
    made.settle()
    jobs = {*made.jobs}
    made.now += timedelta(seconds=3500)
    wake = made.reconcile().wake_after
    assert {*made.jobs} == jobs
    assert wake
    made.now += timedelta(seconds=wake)
    assert made.reconcile().actions == (DeleteJobs({name: int(name.rsplit("-", 1)[1][1:]) for name in made.created}),)
    assert not made.jobs
    assert made.reconcile().wake_after is None


def test_a_job_whose_results_are_not_taken_is_kept_whatever_its_ttl() -> None:
    made = cluster(CLIPS, ttl={"succeeded": "0s", "failed": "0s"})
    made.reconcile()
    (survey,) = made.created
    made.advance(survey)
    report_text = made.reports.pop(survey)
    made.now += timedelta(days=2)
    made.deliver_all()
    made.reconcile()
    assert survey in made.jobs
    made.reports[survey] = report_text
    made.settle()
    assert made.status.holds("Complete")
    assert not made.jobs


def test_a_failed_job_is_kept_longer_than_the_others() -> None:
    made = cluster(CLIPS, ttl={"succeeded": "1m", "failed": "1h"})
    made.store.exits["", "survey"] = [70] * 4
    made.settle()
    made.now += timedelta(minutes=30)
    made.reconcile()
    assert {*made.jobs} == {made.created[0]}
    made.now += timedelta(minutes=40)
    made.reconcile()
    assert not made.jobs


def test_a_job_of_an_older_release_that_has_a_ttl_is_left_to_kubernetes() -> None:
    made = cluster(CLIPS)
    made.settle()
    for job in made.jobs.values():
        job["spec"]["ttlSecondsAfterFinished"] = 86_400
    made.deliver_all()
    made.now += timedelta(hours=2)
    assert made.reconcile().actions == ()


def test_changed_sources_are_reported() -> None:
    made = cluster(CLIPS)
    made.reconcile()
    name = made.created[0]
    made.advance(name)
    made.reports[name] = made.reports[name].replace('"drifted":0', '"drifted":2')
    made.settle()
    condition = made.status.condition("Drifted")
    assert condition
    assert condition.status == "True"
    assert "raw: 2" in condition.message


def test_a_source_without_items_is_complete() -> None:
    made = cluster(videos=0)
    made.settle()
    assert steps(made.created) == ["survey:v"]
    assert made.status.holds("Complete")
