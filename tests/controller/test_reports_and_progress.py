"""What a pass reads of pods, and when a pipeline is planned whose Jobs have only made progress."""

from pathlib import Path

import pytest

from controller.worker_rig import PIPELINE, Rig, resource, rigged
from reelmill.contract.task import SourceReport, SurveyReport
from reelmill.controller.kube.event_recorder import EventRecorder
from reelmill.controller.observe.pod_checks import LAST_LOOK_SECONDS
from reelmill.controller.work.reconciler import PROGRESS_SECONDS, PipelineWorker
from reelmill.plan import PlannerSettings


@pytest.mark.parametrize("behind", [False, True])
def test_the_report_of_a_successful_step_is_read_from_the_servers_cache_unless_that_is_behind(
    tmp_path: Path, behind: bool
) -> None:
    async def test(rig: Rig) -> None:
        await rig.a_pass()
        report_text = SurveyReport(
            sources={"raw": SourceReport(segments=1, items=1, new=1)}, stages={}
        ).model_dump_json()
        state = {"terminated": {"exitCode": 0, "message": report_text, "finishedAt": "2026-01-01T00:00:01Z"}}
        container = {"name": "reelmill", "state": state}
        rig.stub.pods = [{"metadata": {"name": "p"}, "status": {"containerStatuses": [container]}}]
        rig.stub.cached_pods = [] if behind else None
        rig.job_is(conditions=[{"type": "Complete", "status": "True", "lastTransitionTime": "2026-01-01T00:00:02Z"}])
        await rig.a_pass()
        (source,) = rig.stub.objects[PIPELINE]["status"]["sources"]
        assert source["items"] == 1
        asked = [query for query in rig.stub.queries if query.get("fieldSelector")]
        assert [query.get("resourceVersion") for query in asked] == (["0", None] if behind else ["0"])

    rigged(tmp_path, test)


def test_the_report_of_a_failed_step_is_read_from_no_cache(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        await rig.a_pass()
        rig.job_is(conditions=[{"type": "Failed", "status": "True", "lastTransitionTime": "2026-01-01T00:00:02Z"}])
        await rig.a_pass()
        asked = [query for query in rig.stub.queries if query.get("fieldSelector")]
        assert [query.get("resourceVersion") for query in asked] == [None]

    rigged(tmp_path, test)


def test_progress_waits_until_it_may_be_written_unless_spending_is_limited(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        await rig.a_pass()
        rig.wait(2)
        assert rig.worker.progress_due("team/demo") == 8
        rig.wait(4)
        assert rig.worker.progress_due("team/demo") == PROGRESS_SECONDS
        limited = {**resource()["spec"], "limits": {"podHours": 1}}
        rig.cache.pipelines.insert(rig.stub.put(PIPELINE, {**rig.stub.objects[PIPELINE], "spec": limited}))
        await rig.a_pass()
        rig.wait(1)
        assert rig.worker.progress_due("team/demo") == PROGRESS_SECONDS
        assert rig.worker.progress_due("team/unknown") == PROGRESS_SECONDS

    rigged(tmp_path, test)


def test_pods_are_looked_at_within_a_minute_however_seldom_progress_is_written(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        rig.worker = PipelineWorker(
            rig.cache,
            rig.verbs,
            EventRecorder(rig.verbs, "me"),
            PlannerSettings(),
            progress_seconds=3600,
            clock=lambda: rig.seconds,
            now=lambda: rig.now,
        )
        await rig.a_pass()
        rig.job_is(active=1, startTime="2026-01-01T00:00:00Z")
        assert rig.worker.progress_due("team/demo") == LAST_LOOK_SECONDS

    rigged(tmp_path, test)


def test_pods_are_looked_at_as_soon_as_they_are_late(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        await rig.a_pass()
        rig.job_is(active=1, startTime="2026-01-01T00:00:00Z")
        rig.wait(4)
        assert await rig.a_pass() == 6
        assert not [query for query in rig.stub.queries if query.get("fieldSelector")]
        rig.wait(6)
        await rig.a_pass()
        assert len([query for query in rig.stub.queries if query.get("fieldSelector")]) == 1

    rigged(tmp_path, test)
