"""A worker over real HTTP: a stub of an API server that holds one pipeline, and a clock that is set by hand."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from controller.stub_api_server import Stub, served
from reelmill.controller.kube.api import KubeApi
from reelmill.controller.kube.event_recorder import EventRecorder
from reelmill.controller.kube.write_budget import Budget
from reelmill.controller.state.cache import Cache
from reelmill.controller.state.progress_rate import ProgressRate
from reelmill.controller.watch.resync import Resync
from reelmill.controller.work.lineage import OperatorLineage
from reelmill.controller.work.reconciler import PipelineWorker
from reelmill.controller.work.traces import RunTraces
from reelmill.plan import PlannerSettings

Json = dict[str, Any]
PIPELINE = "/apis/reelmill.dev/v1alpha1/namespaces/team/videopipelines/demo"
JOB = "/apis/batch/v1/namespaces/team/jobs/"
STATUS = "PATCH team/videopipelines/demo/status"


class Rig:
    def __init__(
        self,
        stub: Stub,
        verbs: KubeApi,
        pace: ProgressRate | None = None,
        lineage: OperatorLineage | None = None,
        traces: RunTraces | None = None,
    ) -> None:
        self.stub, self.verbs, self.cache = stub, verbs, Cache()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.seconds = 0.0
        self.worker = PipelineWorker(
            self.cache,
            verbs,
            EventRecorder(verbs, "me"),
            PlannerSettings(),
            pace=pace,
            lineage=lineage,
            traces=traces,
            clock=lambda: self.seconds,
            now=lambda: self.now,
        )
        self.fenced = False

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        self.now += timedelta(seconds=seconds)

    async def list(self) -> None:
        await Resync(self.cache, self.verbs, (), lambda key, priority: None, every=60).once(look_at_all=False)

    async def a_pass(self) -> float | None:
        return await self.worker.process("team/demo")

    def job(self) -> Json:
        (path,) = [path for path in self.stub.objects if path.startswith(JOB)]
        return self.stub.objects[path]

    def job_is(self, **status: Any) -> None:
        """The Job controller writes a status."""
        job = self.job()
        self.cache.jobs.insert(self.stub.put(JOB + job["metadata"]["name"], {**job, "status": status}))

    def conditions(self) -> dict[str, Json]:
        return {each["type"]: each for each in self.stub.objects[PIPELINE]["status"]["conditions"]}


def resource(namespace: str = "team") -> Json:
    return {
        "apiVersion": "reelmill.dev/v1alpha1",
        "kind": "VideoPipeline",
        "metadata": {
            "name": "demo",
            "namespace": namespace,
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {
            "store": {"uri": "s3://out/demo"},
            "sources": [{"name": "raw", "files": {"uri": "s3://in/videos/"}}],
            "stages": [{"name": "clips", "clip": {"by": "length"}}],
        },
    }


def rigged(folder: Path, test: Callable[[Rig], Awaitable[None]], *, fence: Callable[[], bool] = lambda: True) -> None:
    """Run a test with a stub that holds one pipeline."""

    async def main() -> None:
        stub = Stub()
        stub.put(PIPELINE, resource())
        async with served(stub, folder) as cluster:
            rig = Rig(stub, KubeApi(cluster, Budget(1000, 1000, clock=lambda: 0.0), fence=fence))
            await rig.list()
            await test(rig)

    asyncio.run(main())
