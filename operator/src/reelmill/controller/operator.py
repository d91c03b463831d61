"""The operator as a whole: connection, cache, queue, watches, periodic lists and workers."""

import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from reelmill.contract import log
from reelmill.controller.kube.api import KubeApi
from reelmill.controller.kube.connection import Access, ApiConnection, ApiTransport, connect
from reelmill.controller.kube.event_recorder import EventRecorder
from reelmill.controller.kube.leader import Leader, LeaseLost
from reelmill.controller.kube.write_budget import Budget
from reelmill.controller.monitoring.health import Health
from reelmill.controller.monitoring.metrics import Metrics
from reelmill.controller.monitoring.probes import serving
from reelmill.controller.settings import OperatorSettings
from reelmill.controller.state.cache import Cache
from reelmill.controller.state.concurrency import ConcurrencyLimit
from reelmill.controller.telemetry import Telemetry
from reelmill.controller.watch.intake import Intake
from reelmill.controller.watch.job_watch import JobWatch
from reelmill.controller.watch.resync import Resync, StateWentBack
from reelmill.controller.watch.watches import Watches
from reelmill.controller.work.lineage import OperatorLineage
from reelmill.controller.work.reconciler import PipelineWorker
from reelmill.controller.work.traces import RunTraces
from reelmill.controller.work.worker_tasks import Pump

_log = logging.getLogger(__name__)
RELEASE_SECONDS = 5.0
GARBAGE = 10_000
"""Threshold of the garbage collector in objects; a higher one would only keep garbage longer."""


class Operator:
    """One replica. `layer` wraps the connection to the API server and `now` is the clock, for fault injection."""

    def __init__(
        self,
        access: Access,
        settings: OperatorSettings,
        *,
        layer: Callable[[ApiTransport], ApiTransport] = lambda requests: requests,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._access, self._settings, self._layer, self._now = access, settings, layer, now
        self.cache, self.metrics, self.health = Cache(), Metrics(), Health(time.monotonic)
        self.limit = ConcurrencyLimit(settings.workers)
        self.port = 0
        """Port of the probes while the operator is running."""

    async def run(self) -> None:
        """Run until cancelled. Raises SpecError without access to a cluster, and LeaseLost and StateWentBack if it
        has to start again.
        """
        cluster = await connect(self._access, self._observe_request)
        try:
            await self._run(cluster)
        finally:
            await cluster.close()

    def _observe_request(self, method: str, status: int, seconds: float) -> None:
        self.metrics.requested(method, status, seconds)
        self.limit.observe(method, status, seconds)

    async def _run(self, cluster: ApiConnection) -> None:
        settings = self._settings
        leader: Leader | None = None
        budget = Budget(settings.write_rate, settings.write_burst, clock=time.monotonic)
        verbs = KubeApi(
            self._layer(cluster),
            budget,
            fence=lambda: leader is None or leader.holds(),
            waited=self.metrics.budget_wait.observe,
        )
        if settings.leader_election:
            leader = Leader(
                verbs,
                settings.own_namespace,
                settings.lease_name,
                settings.identity,
                seconds=settings.lease_seconds,
                clock=time.monotonic,
                now=self._now,
            )
        telemetry = Telemetry(settings, os.environ, self.metrics)
        worker = PipelineWorker(
            self.cache,
            verbs,
            EventRecorder(verbs, settings.identity),
            settings.planning,
            progress_seconds=settings.progress_seconds,
            lineage=OperatorLineage(telemetry.lineage),
            traces=RunTraces(telemetry.traces),
            now=self._now,
        )
        pump = Pump(worker.process, self.metrics, self.limit, budget)
        async with serving(
            settings.listen,
            illness=lambda: self.health.illness(pump.queue),
            ready=lambda: self.health.ready,
            metrics=lambda: self.metrics.text(self.cache, pump.queue),
        ) as self.port:
            try:
                intake = Intake(self.cache, pump.add, lambda key: pump.add_after(key, worker.progress_due(key)))
                await self._run_as_leader(cluster, verbs, pump, intake, leader)
            finally:
                self.metrics.leader.set(0)
                if leader:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(RELEASE_SECONDS):
                            await leader.release()
                await telemetry.close()

    async def _run_as_leader(
        self, cluster: ApiConnection, verbs: KubeApi, pump: Pump, intake: Intake, leader: Leader | None
    ) -> None:
        if leader:
            # A replica on standby is ready.
            self.health.ready = True
            await leader.acquire()
        self.metrics.leader.set(1)
        settings = self._settings
        resync = Resync(
            self.cache,
            verbs,
            settings.namespaces,
            pump.add,
            every=settings.resync_seconds,
            counted=self.metrics.resyncs.inc,
            renewed=lambda: pipeline_watch.renew(),
        )

        def sign() -> None:
            self.health.watch_sign()
            resync.ask()

        restarted = self.metrics.watch_restarts.inc
        pipeline_watch = Watches(
            self._access, lambda: resync.readable, take=intake.take, sign=sign, restarted=restarted
        )
        job_watch = JobWatch(cluster, settings.namespaces, take=intake.take, sign=resync.ask, restarted=restarted)
        try:
            async with asyncio.TaskGroup() as group:
                if leader:
                    group.create_task(leader.keep())
                await resync.begin()
                self.health.ready = True
                self.health.watch_sign()
                log.event(_log, "listed", pipelines=len(self.cache.pipelines), jobs=len(self.cache.jobs))
                group.create_task(resync.run())
                group.create_task(pipeline_watch.run())
                group.create_task(job_watch.run())
                group.create_task(pump.run())
        except ExceptionGroup as ended:
            if expected := ended.subgroup((LeaseLost, StateWentBack)):
                raise expected.exceptions[0] from ended
            raise


def run(access: Access, settings: OperatorSettings) -> int:
    """Run one replica until SIGTERM or SIGINT; returns the exit code. Raises SpecError like `Operator.run`."""
    log.setup(level=settings.log_level)
    kopf = logging.getLogger("kopf")
    kopf.handlers, kopf.propagate = logging.getLogger("reelmill").handlers, False
    kopf.setLevel(logging.WARNING)
    # kopf runs in a thread and cannot handle signals there.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
    # Imported objects are permanent; each request leaves a little garbage.
    gc.freeze()
    gc.set_threshold(GARBAGE)
    return asyncio.run(_until_stopped(Operator(access, settings)))


async def _until_stopped(operator: Operator) -> int:
    working = asyncio.ensure_future(operator.run())
    loop, stopped = asyncio.get_running_loop(), False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        working.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await working
    except asyncio.CancelledError:
        if not stopped:
            raise
    except (LeaseLost, StateWentBack) as ended:
        log.event(_log, str(ended), level=logging.WARNING)
        return 1
    return 0
