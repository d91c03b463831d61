"""The trace of a run in a cluster: one, however long its Jobs wait, and told once, when the run is over."""

import json
from pathlib import Path

from controller.worker_rig import JOB, PIPELINE, Rig, rigged
from reelmill.controller.state.cache import Cache
from reelmill.controller.work.traces import RunTraces
from reelmill.tracing.spans import TraceSpan

SURVEY = {
    "step": "survey",
    "sources": {"raw": {"segments": 1, "items": 2, "new": 2}},
    "stages": {"clips": {"segments": 0}},
}
AT = "2026-01-01T00:00:02Z"


def traced(rig: Rig, spans: list[TraceSpan]) -> Rig:
    again = Rig(rig.stub, rig.verbs, traces=RunTraces(spans.append))
    known(again.cache, rig)
    return again


def known(cache: Cache, rig: Rig) -> None:
    for path, body in rig.stub.objects.items():
        store = cache.pipelines if path == PIPELINE else cache.jobs if path.startswith(JOB) else None
        if store is not None:
            store.insert(body)


def test_a_run_whose_jobs_wait_for_admission_is_not_over(tmp_path: Path) -> None:
    spans: list[TraceSpan] = []

    async def test(rig: Rig) -> None:
        found = rig.stub.objects[PIPELINE]
        rig.stub.put(PIPELINE, {**found, "spec": {**found["spec"], "queue": {"name": "video"}}})
        again = traced(rig, spans)
        await again.a_pass()
        done = {"terminated": {"exitCode": 0, "message": json.dumps(SURVEY), "finishedAt": AT}}
        rig.stub.pods = [
            {"metadata": {"name": "p"}, "status": {"containerStatuses": [{"name": "reelmill", "state": done}]}}
        ]
        again.job_is(
            startTime="2026-01-01T00:00:01Z",
            completionTime=AT,
            conditions=[{"type": "Complete", "status": "True", "lastTransitionTime": AT}],
        )
        for _ in range(4):
            await again.a_pass()
        assert [span.name for span in spans] == ["survey"]
        for path, job in [*rig.stub.objects.items()]:
            if path.startswith(JOB) and "status" not in job:
                again.cache.jobs.insert(rig.stub.put(path, {**job, "spec": {**job["spec"], "suspend": True}}))
        for _ in range(3):
            again.wait(20)
            await again.a_pass()
        assert any(job["spec"].get("suspend") for path, job in rig.stub.objects.items() if path.startswith(JOB))

    rigged(tmp_path, test)
    assert [span.name for span in spans] == ["survey"]
