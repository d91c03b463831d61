"""What people do to pipelines while they run: pause, edit, delete, ask again."""

from pathlib import Path

import pytest

from cluster.kubectl import kubectl
from control_plane.operators import running, until
from control_plane.pipelines import KIND, Desk, holds, resource, steps

pytestmark = pytest.mark.control_plane


def test_suspend_stops_the_pods_and_resume_continues_in_the_same_job(desk: Desk, config: Path) -> None:
    desk.kubelet.holding = True
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource())
        until(lambda: desk.kubelet.jobs, 30, "a pod")
        desk.edit({"spec": {"suspend": True}})
        desk.wait_for("Suspended")
        until(lambda: all(job["spec"]["suspend"] for job in desk.jobs()), 30, "the Job to be suspended")
        until(lambda: not desk.client.list("v1/Pod", desk.namespace), 30, "the pods to go")
        desk.kubelet.holding = False
        desk.edit({"spec": {"suspend": False}})
        desk.wait_for("Complete")
    assert len(desk.kubelet.jobs) == 3
    assert set(desk.kubelet.store.tried.values()) == {1}


def test_an_edit_restarts_the_stages_that_changed_and_those_after_them(desk: Desk, config: Path) -> None:
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource())
        desk.wait_for("Complete")
        before = set(desk.kubelet.jobs)
        edited = resource()
        edited["spec"]["stages"][1]["frames"] = {"count": 32}
        desk.apply(edited)
        desk.wait_for("Complete")
    new = sorted(set(desk.kubelet.jobs) - before)
    assert steps(new) == ["demo-samples-s", "demo-survey-v"]


def test_an_edit_of_what_defines_no_data_restarts_nothing(desk: Desk, config: Path) -> None:
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource())
        desk.wait_for("Complete")
        before = set(desk.kubelet.jobs)
        generation = desk.edit({"spec": {"ttl": {"succeeded": "2h"}}})["metadata"]["generation"]
        until(lambda: desk.status().observed_generation == generation, 30, "the edit to be seen")
        desk.wait_for("Complete")
        assert set(desk.kubelet.jobs) == before


def test_a_pipeline_deleted_and_made_again_under_its_name_finds_what_was_done(desk: Desk, config: Path) -> None:
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource())
        desk.wait_for("Complete")
        first, uid = set(desk.kubelet.jobs), desk.get()["metadata"]["uid"]
        desk.client.delete(KIND, "demo", desk.namespace)
        desk.apply(resource())
        found = desk.wait_for("Complete")
        assert found["metadata"]["uid"] != uid
        assert [stage.state for stage in desk.status().stages] == ["cached", "cached"]
        assert steps(sorted(set(desk.kubelet.jobs) - first)) == ["demo-survey-v"]
        until(lambda: not (first & {job["metadata"]["name"] for job in desk.jobs()}), 60, "the old Jobs to go")


def test_a_pipeline_deleted_mid_run_and_made_again_continues_from_the_store(desk: Desk, config: Path) -> None:
    desk.kubelet.held_step = "shards"
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource())
        until(lambda: any("-s" in name[-4:] for name in desk.kubelet.jobs), 30, "shards")
        desk.client.delete(KIND, "demo", desk.namespace)
        desk.apply(resource())
        desk.kubelet.held_step = ""
        desk.wait_for("Complete")
    assert set(desk.kubelet.store.tried.values()) == {1}


def test_refresh_takes_up_new_videos_and_is_handled_once(desk: Desk, config: Path) -> None:
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource())
        desk.wait_for("Complete")
        desk.kubelet.store.bucket["raw"] += ["new-1", "new-2"]
        desk.edit({"metadata": {"annotations": {"reelmill.dev/refresh": "today"}}})
        until(lambda: desk.status().stage("samples").totals.done == 8, 60, "the new videos")
        desk.wait_for("Complete")
        status = desk.status()
        assert status.handled.refresh == "today"
        assert status.stage("clips").segments == 2
    assert set(desk.kubelet.store.tried.values()) == {1}


def test_a_spec_that_cannot_be_accepted_is_stalled_with_the_reason_and_fixed_by_an_edit(
    desk: Desk, config: Path
) -> None:
    with running(config, namespaces=(desk.namespace,)):
        broken = resource()
        broken["spec"]["stages"][0]["clip"] = {"by": "length", "minLength": "9s", "maxLength": "1s"}
        desk.apply(broken)
        found = desk.wait_for("Stalled")
        assert holds(found, "Failed")
        assert not desk.jobs()
        desk.apply(resource())
        desk.wait_for("Complete")


def test_an_edit_mid_run_leaves_the_stages_alone_that_it_does_not_concern(desk: Desk, config: Path) -> None:
    desk.kubelet.held_step = "shards"
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource())
        until(lambda: any("clips" in name and "-s" in name[-4:] for name in desk.kubelet.jobs), 60, "shards of clips")
        edited = resource()
        edited["spec"]["stages"][1]["frames"] = {"count": 32}
        desk.apply(edited)
        desk.kubelet.held_step = ""
        desk.wait_for("Complete")
    assert set(desk.kubelet.store.tried.values()) == {1}
    assert [name for name in steps(desk.kubelet.jobs) if "clips" in name] == ["demo-clips-s"]


def test_parallelism_is_edited_in_place(desk: Desk, config: Path) -> None:
    stage = {"name": "clips", "clip": {"by": "length"}, "shards": 6, "parallelism": 1}
    running_pods = lambda: sum(  # noqa: E731
        "-clips-" in pod["metadata"]["name"] and pod["status"]["phase"] == "Running"
        for pod in desk.client.list("v1/Pod", desk.namespace)
    )
    desk.kubelet.held_step = "shards"
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource(stages=[stage]))
        until(lambda: running_pods() == 1, 60, "one pod")
        desk.apply(resource(stages=[{**stage, "parallelism": 4}]))
        until(lambda: running_pods() == 4, 60, "more pods at once")
        desk.kubelet.held_step = ""
        desk.wait_for("Complete")
    assert set(desk.kubelet.store.tried.values()) == {1}
    assert len([name for name in desk.kubelet.jobs if "-clips-" in name]) == 1


def test_only_the_shards_that_are_undone_are_tried_again(desk: Desk, config: Path) -> None:
    desk.kubelet.store.exits["clips", "shards"] = [0, 70]
    clips = {
        "name": "clips",
        "clip": {"by": "length"},
        "shards": 3,
        "parallelism": 1,
        "failures": {"retriesPerShard": 0},
    }
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource(stages=[clips]))
        desk.wait_for("Complete")
        jobs = [job for job in desk.jobs() if job["metadata"]["labels"].get("reelmill.dev/step") == "shards"]
        first, second = sorted(jobs, key=lambda job: job["metadata"]["labels"]["reelmill.dev/attempt"])
        assert (first["spec"]["completions"], second["spec"]["completions"]) == (3, 1)
        (container,) = second["spec"]["template"]["spec"]["containers"]
        assert '"shardMap":"1"' in container["env"][0]["value"]
        stage = desk.status().stage("clips")
        assert stage.logs == f"{stage.path}/0001/_reelmill/logs"
    assert set(desk.kubelet.store.tried.values()) == {1}


def test_refresh_comes_round_without_a_hand(desk: Desk, config: Path) -> None:
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource(refresh="3s"))
        desk.wait_for("Complete")
        desk.kubelet.store.bucket["raw"].append("new")
        until(lambda: desk.status().stage("samples").totals.done == 7, 90, "the new video")
    assert set(desk.kubelet.store.tried.values()) == {1}


def test_kubectl_waits_for_complete_and_for_failed(desk: Desk, config: Path) -> None:
    wait = ("wait", "-n", desk.namespace, "--timeout=240s")
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource())
        kubectl(desk.client.config, *wait, "--for=condition=Complete", "vp/demo")
        desk.kubelet.store.failing["clips", "raw/v0"] = ["decode"]
        desk.edit(
            {
                "spec": {
                    "stages": [
                        {**stage, "rerun": "again", "failures": {"tolerate": 0}}
                        for stage in resource()["spec"]["stages"]
                    ]
                }
            }
        )
        kubectl(desk.client.config, *wait, "--for=condition=Failed", "vp/demo")
        assert desk.status().condition("Failed").reason == "ToleranceExceeded"  # type: ignore[union-attr]
