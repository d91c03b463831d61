"""Before what cannot be taken back, the API server itself is asked: a cache may be old."""

import copy
from pathlib import Path
from typing import Any

import pytest

from controller.worker_rig import JOB, PIPELINE, STATUS, Rig, rigged
from reelmill.controller.state.relabel_pace import RELABEL_SECONDS
from reelmill.plan.jobs.build import KEY, PLACE, RUN, STEP, UID

Json = dict[str, Any]
ENDED: Json = {
    "startTime": "2026-01-01T00:00:00Z",
    "conditions": [{"type": "Failed", "status": "True", "message": "x"}],
}


async def seen(rig: Rig) -> Json:
    """A survey's Job that the status has seen to exist."""
    await rig.a_pass()
    rig.job_is(active=1, startTime="2026-01-01T00:00:00Z")
    rig.wait(10)
    await rig.a_pass()
    assert rig.stub.objects[PIPELINE]["status"]["survey"]["seen"]
    return rig.job()


def test_a_job_that_only_the_cache_misses_is_not_done_again(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        job = await seen(rig)
        stale = Rig(rig.stub, rig.verbs)
        stale.cache.pipelines.insert(rig.stub.objects[PIPELINE])
        before = len(rig.stub.writes())
        assert await stale.a_pass() == 0
        assert stale.cache.jobs.named("team", job["metadata"]["name"])
        await stale.a_pass()
        assert len(rig.stub.writes()) == before

    rigged(tmp_path, test)


def test_a_job_that_is_really_gone_is_done_again_under_another_name(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        first = (await seen(rig))["metadata"]["name"]
        rig.cache.jobs.remove(rig.stub.objects.pop(JOB + first))
        await rig.a_pass()
        assert rig.job()["metadata"]["name"] != first

    rigged(tmp_path, test)


def test_a_job_that_is_gone_before_the_status_tells_of_it_is_done_again_under_another_name(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        await rig.a_pass()
        first = rig.job()["metadata"]["name"]
        await rig.a_pass()
        assert not rig.stub.objects[PIPELINE]["status"]["survey"].get("seen")
        rig.cache.jobs.remove(rig.stub.objects.pop(JOB + first))
        await rig.a_pass()
        assert rig.job()["metadata"]["name"] != first

    rigged(tmp_path, test)


@pytest.mark.parametrize("value", ["", "999"], ids=["removed", "changed"])
@pytest.mark.parametrize("lost", ["app.kubernetes.io/managed-by", UID, STEP, RUN, KEY, PLACE])
def test_a_running_job_whose_label_is_lost_gets_it_back_and_is_not_done_again(
    tmp_path: Path, lost: str, value: str
) -> None:
    async def test(rig: Rig) -> None:
        job = await seen(rig)
        path = JOB + job["metadata"]["name"]
        labels = {name: each for name, each in job["metadata"]["labels"].items() if name != lost}
        labels |= {lost: value} if value else {}
        bare = rig.stub.put(path, {**job, "metadata": {**job["metadata"], "labels": labels}})
        if lost.startswith("app."):
            # A watch reports an object that its selector no longer matches as deleted.
            rig.cache.jobs.leave(bare)
        else:
            rig.cache.jobs.insert(bare)
        before = len(rig.stub.writes())
        assert await rig.a_pass() == 0
        await rig.a_pass()
        assert rig.job()["metadata"]["labels"] == job["metadata"]["labels"]
        assert rig.stub.writes()[before:] == [f"PATCH team/jobs/{job['metadata']['name']}"]

    rigged(tmp_path, test)


def test_a_job_whose_label_was_removed_before_it_was_seen_is_adopted_with_it(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        await rig.a_pass()
        job = rig.job()
        labels = {name: value for name, value in job["metadata"]["labels"].items() if not name.startswith("app.")}
        path = JOB + job["metadata"]["name"]
        rig.cache.jobs.leave(rig.stub.put(path, {**job, "metadata": {**job["metadata"], "labels": labels}}))
        await rig.a_pass()
        found = rig.job()
        assert found["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "reelmill"
        assert rig.cache.jobs.known(found)

    rigged(tmp_path, test)


def test_a_job_of_another_pipeline_is_not_labelled(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        job = await seen(rig)
        path = JOB + job["metadata"]["name"]
        rig.cache.jobs.remove(rig.stub.objects.pop(path))
        template = {"metadata": {"labels": {UID: "another", STEP: "survey"}}}
        metadata = {"name": job["metadata"]["name"], "namespace": "team"}
        rig.stub.put(path, {"metadata": metadata, "spec": {"template": template}})
        await rig.a_pass()
        assert not [write for write in rig.stub.writes() if write.startswith("PATCH team/jobs")]

    rigged(tmp_path, test)


async def stripped_job(rig: Rig, label: str) -> str:
    """The name of a running Job that loses this label to an admission webhook."""
    job = await seen(rig)
    rig.stub.stripped = {label}
    rig.job_is(active=1, startTime="2026-01-01T00:00:00Z")
    name: str = job["metadata"]["name"]
    return name


@pytest.mark.parametrize("lost", ["app.kubernetes.io/managed-by", UID, STEP, PLACE])
def test_a_policy_that_removes_labels_is_named_and_the_work_goes_on(tmp_path: Path, lost: str) -> None:
    async def test(rig: Rig) -> None:
        name = await stripped_job(rig, lost)
        for _ in range(3):
            rig.wait(RELABEL_SECONDS)
            await rig.a_pass()
            # A full list does not have a Job without the label that selects it.
            if lost.startswith("app."):
                rig.cache.jobs.leave(rig.job())
            assert await rig.a_pass() is not None
        assert rig.job()["metadata"]["name"] == name
        waiting = next(each for each in rig.conditions().values() if each["reason"] == "LabelsRemoved")
        assert waiting["message"] == (
            f"survey: something removes or changes the labels of Job {name} whenever they are restored; exempt objects "
            "with the label app.kubernetes.io/managed-by=reelmill from the admission policy or webhook"
        )
        rig.stub.stripped = set()
        rig.wait(RELABEL_SECONDS)
        while await rig.a_pass() == 0:
            pass
        assert rig.job()["metadata"]["labels"][lost]
        assert "LabelsRemoved" not in {each["reason"] for each in rig.conditions().values()}

    rigged(tmp_path, test)


def test_labels_that_cannot_be_restored_are_tried_once_a_minute(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        name = await stripped_job(rig, STEP)
        before = len(rig.stub.writes())
        for _ in range(20):
            await rig.a_pass()
        assert rig.stub.writes()[before:].count(f"PATCH team/jobs/{name}") == 1

    rigged(tmp_path, test)


def test_a_label_that_somebody_removes_soon_after_each_restoration_is_restored_once_a_minute(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        job = await seen(rig)
        name, before = job["metadata"]["name"], len(rig.stub.writes())
        for _ in range(20):
            job = rig.job()
            labels = {
                label: value for label, value in job["metadata"]["labels"].items() if not label.startswith("app.")
            }
            if labels != job["metadata"]["labels"]:
                # Nobody watches the Job without that label.
                rig.cache.jobs.leave(
                    rig.stub.put(JOB + name, {**job, "metadata": {**job["metadata"], "labels": labels}})
                )
            await rig.a_pass()
        assert rig.stub.writes()[before:].count(f"PATCH team/jobs/{name}") == 1
        assert "LabelsRemoved" in {each["reason"] for each in rig.conditions().values()}

    rigged(tmp_path, test)


def test_no_job_is_deleted_for_an_edit_that_was_taken_back(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        job = await seen(rig)
        edited = copy.deepcopy(rig.stub.objects[PIPELINE])
        edited["spec"]["stages"][0]["rerun"] = "again"
        edited["metadata"]["generation"] = 2
        now = rig.stub.objects[PIPELINE]
        rig.stub.put(PIPELINE, {**now, "metadata": {**now["metadata"], "generation": 3}})
        stale = Rig(rig.stub, rig.verbs)
        stale.cache.pipelines.insert(edited)
        stale.cache.jobs.insert(job)
        before = len(rig.stub.writes())
        assert await stale.a_pass() == 0
        # The server refuses a status of another version.
        assert rig.stub.writes()[before:] == [STATUS]
        await stale.a_pass()
        assert JOB + job["metadata"]["name"] in rig.stub.objects

    rigged(tmp_path, test)


def test_no_job_is_created_for_a_state_that_is_over(tmp_path: Path) -> None:
    """The Job that an old version of the pipeline names was done and deleted since."""

    async def test(rig: Rig) -> None:
        await rig.a_pass()
        job, named = rig.job(), rig.stub.objects[PIPELINE]
        del rig.stub.objects[JOB + job["metadata"]["name"]]
        rig.stub.put(PIPELINE, {**named, "status": {**named["status"], "survey": {"wanted": False}}})
        stale = Rig(rig.stub, rig.verbs)
        stale.cache.pipelines.insert(named)
        before = len(rig.stub.writes())
        assert await stale.a_pass() == 0
        assert len(rig.stub.writes()) == before

    rigged(tmp_path, test)


def test_a_failed_job_is_read_again_before_its_failure_counts(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        job = await seen(rig)
        path = JOB + job["metadata"]["name"]
        older = rig.stub.put(path, {**job, "status": ENDED})
        rig.stub.put(path, {**job, "status": {**ENDED, "failedIndexes": "0"}})
        rig.cache.jobs.insert(older)
        assert await rig.a_pass() == 0
        (known,) = rig.cache.jobs.owned_by(rig.stub.objects[PIPELINE]["metadata"]["uid"])
        assert known["status"]["failedIndexes"] == "0"

    rigged(tmp_path, test)
