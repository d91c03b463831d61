"""One pass of the worker, over real HTTP: status first, then Jobs, then events; narrow, and safe to repeat."""

from pathlib import Path
from typing import Any

import pytest

from controller.worker_rig import JOB, PIPELINE, STATUS, Rig, resource, rigged
from reelmill.controller.kube.api_errors import Fenced, NoAnswer
from reelmill.controller.state.relabel_pace import RelabelPace
from reelmill.controller.work.job_writer import JobWriter, WritesRefused
from reelmill.controller.work.pipeline_memory import PipelineMemory
from reelmill.plan import CreateJob, PatchJob

Json = dict[str, Any]


def test_the_status_is_written_before_the_job_that_it_names(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        await rig.a_pass()
        job = rig.job()["metadata"]["name"]
        assert rig.stub.writes()[:2] == [STATUS, "POST team/jobs"]
        assert rig.stub.objects[PIPELINE]["status"]["survey"]["job"] == job

    rigged(tmp_path, test)


def test_a_pass_that_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        for _ in range(2):
            await rig.a_pass()
        before = len(rig.stub.writes())
        for _ in range(3):
            await rig.a_pass()
        assert len(rig.stub.writes()) == before

    rigged(tmp_path, test)


def test_a_status_of_another_version_is_refused_and_the_pass_restarts_with_the_fresh_one(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        rig.stub.put(PIPELINE, {**rig.stub.objects[PIPELINE], "spec": {**resource()["spec"], "suspend": True}})
        assert await rig.a_pass() == 0
        assert not [path for path in rig.stub.objects if path.startswith(JOB)]
        await rig.a_pass()
        assert rig.conditions()["Suspended"]["status"] == "True"

    rigged(tmp_path, test)


def test_a_job_that_exists_is_adopted_when_it_is_ours(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        await rig.a_pass()
        name = rig.job()["metadata"]["name"]
        again = Rig(rig.stub, rig.verbs)
        again.cache.pipelines.insert(rig.stub.objects[PIPELINE])
        await again.a_pass()
        assert [path for path in rig.stub.objects if path.startswith(JOB)] == [JOB + name]
        assert len(again.cache.jobs) == 1

    rigged(tmp_path, test)


def test_a_name_that_belongs_to_something_else_is_reported_and_tried_again(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        rig.stub.refusals.append(("POST", 409, "already exists", {}))
        with pytest.raises(NoAnswer, match="already exists"):
            await rig.a_pass()
        name = rig.stub.objects[PIPELINE]["status"]["survey"]["job"]
        rig.stub.put(JOB + name, {"metadata": {"name": name, "namespace": "team"}})
        with pytest.raises(WritesRefused, match="belongs to something else"):
            await rig.a_pass()
        with pytest.raises(WritesRefused):
            await rig.a_pass()
        assert rig.conditions()["Reconciling"]["reason"] == "JobRefused"

    rigged(tmp_path, test)


def test_a_job_that_the_server_refuses_is_reported_in_its_words_and_created_later(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        words = 'jobs.batch is forbidden: exceeded quota: "jobs"'
        rig.stub.refusals += [("POST", 403, words, {})] * 2
        for _ in range(2):
            with pytest.raises(WritesRefused):
                await rig.a_pass()
        reconciling = rig.conditions()["Reconciling"]
        assert reconciling["reason"] == "JobRefused"
        assert words in reconciling["message"]
        await rig.a_pass()
        await rig.a_pass()
        assert rig.conditions()["Reconciling"]["reason"] == "Surveying"

    rigged(tmp_path, test)


@pytest.mark.parametrize(("status", "words"), [(403, "exceeded quota"), (500, "failed calling webhook")])
def test_a_refused_write_costs_no_other_write_of_its_plan(tmp_path: Path, status: int, words: str) -> None:
    async def test(rig: Rig) -> None:
        await rig.a_pass()
        job = rig.job()
        path = JOB + job["metadata"]["name"]
        memory = PipelineMemory(job["metadata"]["uid"], RelabelPace(lambda: 0.0))
        plan = (
            PatchJob(job["metadata"]["name"], {"spec": {"suspend": True}}),
            *(CreateJob({**job, "metadata": {**job["metadata"], "name": name}}) for name in ("one", "two")),
        )
        rig.stub.refusals += [(f"PATCH {path}", status, words, {}), ("POST", status, words, {})]
        refused = await JobWriter(rig.cache, rig.verbs).apply(memory, "team", plan)
        assert words in str(refused)
        assert (JOB + "one" in rig.stub.objects, JOB + "two" in rig.stub.objects) == (False, True)

    rigged(tmp_path, test)


def test_a_fault_of_the_server_is_reported_when_it_lasts(tmp_path: Path) -> None:
    """An admission webhook that cannot be reached answers 500, as an API server does that restarts."""

    async def test(rig: Rig) -> None:
        words = "failed calling webhook: connection refused"
        rig.stub.refusals += [("POST", 500, words, {})] * 3
        reasons = []
        for _ in range(3):
            with pytest.raises(WritesRefused, match="failed calling webhook"):
                await rig.a_pass()
            reasons.append(rig.conditions()["Reconciling"]["reason"])
        assert reasons == ["Surveying", "Surveying", "JobRefused"]
        assert words in rig.conditions()["Reconciling"]["message"]
        await rig.a_pass()
        await rig.a_pass()
        assert rig.conditions()["Reconciling"]["reason"] == "Surveying"

    rigged(tmp_path, test)


def test_a_conflict_about_a_quota_is_tried_again_and_not_reported_as_a_refused_job(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        words = 'Operation cannot be fulfilled on resourcequotas "jobs": the object has been modified'
        rig.stub.refusals.append(("POST", 409, words, {}))
        with pytest.raises(NoAnswer, match="resourcequotas"):
            await rig.a_pass()
        await rig.a_pass()
        await rig.a_pass()
        assert rig.conditions()["Reconciling"]["reason"] == "Surveying"
        assert rig.job()

    rigged(tmp_path, test)


def test_a_finished_steps_report_is_read_once_and_its_job_is_kept_for_its_ttl(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        await rig.a_pass()
        failure = '{"step": "survey", "error": "StoreError", "message": "no bucket out", "hint": "create it"}'
        state = {"terminated": {"exitCode": 64, "message": failure, "finishedAt": "2026-01-01T00:00:01Z"}}
        container = {"name": "reelmill", "state": state}
        rig.stub.pods = [{"metadata": {"name": "p"}, "status": {"containerStatuses": [container]}}]
        at = "2026-01-01T00:00:02Z"
        rig.job_is(
            conditions=[{"type": "Failed", "status": "True", "message": "exit code 64", "lastTransitionTime": at}]
        )
        await rig.a_pass()
        assert rig.conditions()["Stalled"]["status"] == "True"
        assert "no bucket out; create it" in rig.conditions()["Stalled"]["message"]
        asked = [query for query in rig.stub.queries if query.get("fieldSelector")]
        assert [query["fieldSelector"] for query in asked] == ["status.phase=Failed"]
        assert asked[0]["limit"] == "20"
        name = rig.job()["metadata"]["name"]
        await rig.a_pass()
        assert JOB + name in rig.stub.objects
        rig.wait(24 * 3600 + 302)
        await rig.a_pass()
        assert JOB + name not in rig.stub.objects
        assert len([query for query in rig.stub.queries if query.get("fieldSelector")]) == 1
        events = [body for method, path, body in rig.stub.requests if method == "POST" and path.endswith("/events")]
        assert {body["type"] for body in events if body} == {"Warning"}

    rigged(tmp_path, test)


def test_with_the_role_of_an_older_release_jobs_are_deleted_one_by_one(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        await rig.a_pass()
        name = rig.job()["metadata"]["name"]
        at = "2026-01-01T00:00:02Z"
        rig.job_is(conditions=[{"type": "Failed", "status": "True", "message": "", "lastTransitionTime": at}])
        await rig.a_pass()
        rig.stub.refusals.append(("DELETE", 403, "cannot deletecollection resource jobs", {}))
        rig.wait(24 * 3600 + 302)
        await rig.a_pass()
        deleted = [path.rpartition("/")[2] for method, path, _ in rig.stub.requests if method == "DELETE"]
        assert deleted == ["jobs", name]
        assert JOB + name not in rig.stub.objects

    rigged(tmp_path, test)


def test_pods_that_find_no_node_are_reported_within_half_a_minute_and_asked_about_seldom(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        await rig.a_pass()
        words = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu."
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": words}
        rig.stub.pods = [{"metadata": {"name": "p"}, "status": {"conditions": [condition]}}]
        rig.job_is(active=1, ready=0, startTime="2026-01-01T00:00:00Z")
        for _ in range(100):
            wake = await rig.a_pass()
            assert wake is not None
            rig.wait(min(wake, 10))
        reconciling = rig.conditions()["Reconciling"]
        assert (reconciling["reason"], words in reconciling["message"]) == ("Unschedulable", True)
        looks = [query for query in rig.stub.queries if query.get("fieldSelector")]
        assert 5 < len(looks) < 40
        rig.job_is(active=1, ready=1, startTime="2026-01-01T00:00:00Z")
        await rig.a_pass()
        assert rig.conditions()["Reconciling"]["reason"] == "Surveying"

    rigged(tmp_path, test)


def test_a_job_that_is_gone_when_it_is_deleted_is_forgotten(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        await rig.a_pass()
        await rig.a_pass()
        name = rig.job()["metadata"]["name"]
        del rig.stub.objects[JOB + name]
        edited = {**resource()["spec"], "sources": [{"name": "raw", "files": {"uri": "s3://in/other/"}}]}
        rig.cache.pipelines.insert(rig.stub.put(PIPELINE, {**rig.stub.objects[PIPELINE], "spec": edited}))
        await rig.a_pass()
        assert rig.cache.jobs.named("team", name) is None

    rigged(tmp_path, test)


def test_a_spec_that_the_models_refuse_is_a_condition_and_no_crash(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        spec = {**resource()["spec"], "novelty": 1}
        rig.cache.pipelines.insert(rig.stub.put(PIPELINE, {**rig.stub.objects[PIPELINE], "spec": spec}))
        await rig.a_pass()
        assert "novelty" in rig.conditions()["Stalled"]["message"]
        assert rig.stub.writes()[0] == STATUS

    rigged(tmp_path, test)


def test_a_status_of_another_release_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        await rig.a_pass()
        await rig.a_pass()
        pipeline = rig.stub.objects[PIPELINE]
        newer = {**pipeline["status"], "novelty": {"a": 1}}
        rig.cache.pipelines.insert(rig.stub.put(PIPELINE, {**pipeline, "status": newer}))
        before = len(rig.stub.writes())
        await rig.a_pass()
        assert len(rig.stub.writes()) == before

    rigged(tmp_path, test)


def test_a_replica_that_lost_its_lease_writes_nothing(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        with pytest.raises(Fenced):
            await rig.a_pass()
        assert rig.stub.writes() == []

    rigged(tmp_path, test, fence=lambda: False)


def test_a_pipeline_that_is_gone_needs_nothing(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        assert await rig.worker.process("team/other") is None
        rig.cache.pipelines.remove(rig.stub.objects[PIPELINE])
        assert await rig.a_pass() is None
        assert rig.stub.writes() == []

    rigged(tmp_path, test)


def test_a_definition_that_drops_a_field_of_a_stage_is_named_until_it_keeps_the_field(tmp_path: Path) -> None:
    def edit(rig: Rig, **spec: Any) -> None:
        known = rig.stub.objects[PIPELINE]
        stages = [{**stage, "bound": "decode"} for stage in known["status"]["stages"]] if spec["suspend"] else None
        status = {**known["status"], "stages": stages} if stages else known["status"]
        edited = {**known, "spec": {**resource()["spec"], **spec}, "status": status}
        rig.cache.pipelines.insert(rig.stub.put(PIPELINE, edited))

    async def test(rig: Rig) -> None:
        await rig.a_pass()
        rig.stub.unknown = {"bound"}
        edit(rig, suspend=True)
        assert await rig.a_pass() == 0
        for _ in range(3):
            assert await rig.a_pass() != 0
            outdated = rig.conditions()["OutdatedDefinition"]
            assert (outdated["status"], outdated["reason"]) == ("True", "FieldsDropped")
            assert "drops status.stages[].bound" in outdated["message"]
        rig.stub.unknown = set()
        edit(rig, suspend=False)
        for _ in range(2):
            await rig.a_pass()
        assert rig.conditions()["OutdatedDefinition"]["status"] == "False"
        assert rig.stub.objects[PIPELINE]["status"]["stages"][0]["bound"] == "decode"

    rigged(tmp_path, test)
