"""Prometheus metrics, named as in controller-runtime, so that existing alerts and dashboards can be used.

Labels are bounded: no metric has a series per pipeline.
"""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from reelmill.contract.conditions import ConditionReason, ConditionType
from reelmill.controller.monitoring.stage_metrics import StageCollector
from reelmill.controller.state.cache import Cache
from reelmill.controller.state.queue import WorkQueue

CONTROLLER = "videopipeline"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The metrics of one operator, in a separate registry."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._reconciles = Counter(
            "controller_runtime_reconcile",
            "Reconciliations of a pipeline.",
            ["controller", "result"],
            registry=registry,
        )
        self._errors = Counter(
            "controller_runtime_reconcile_errors", "Failed reconciliations.", ["controller"], registry=registry
        )
        self._duration = Histogram(
            "controller_runtime_reconcile_time_seconds",
            "Duration of a reconciliation.",
            ["controller"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._depth = Gauge("workqueue_depth", "Pipelines waiting in the queue.", ["name"], registry=registry)
        self._adds = Counter("workqueue_adds", "Pipelines added to the queue.", ["name"], registry=registry)
        self._retries = Counter(
            "workqueue_retries", "Reconciliations scheduled again after a failure.", ["name"], registry=registry
        )
        self._counted = (0, 0)
        self._oldest = Gauge(
            "workqueue_longest_running_processor_seconds",
            "Age of the longest running reconciliation.",
            ["name"],
            registry=registry,
        )
        self.queue_wait = Histogram(
            "workqueue_queue_duration_seconds",
            "Time that a pipeline waits in the queue.",
            ["name"],
            buckets=_SECONDS,
            registry=registry,
        ).labels(CONTROLLER)
        self._requests = Counter(
            "rest_client_requests", "Requests to the API server.", ["method", "code"], registry=registry
        )
        self._request_time = Histogram(
            "rest_client_request_duration_seconds",
            "Latency of requests to the API server.",
            ["verb"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.budget_wait = Histogram(
            "rest_client_rate_limiter_duration_seconds",
            "Time that a write waits for the operator's rate limit.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.write_limit_seconds = Counter(
            "reelmill_write_limit_seconds",
            "Time during which ready pipelines waited for the operator's rate limit.",
            registry=registry,
        )
        self.leader = Gauge(
            "leader_election_master_status", "1 if this replica is the leader.", ["name"], registry=registry
        ).labels(CONTROLLER)
        self.resyncs = Counter("reelmill_resyncs", "Full lists of pipelines and Jobs.", registry=registry)
        self.watch_restarts = Counter("reelmill_watch_restarts", "Restarts of the watches.", registry=registry)
        self._lineage = Counter(
            "reelmill_openlineage_events", "OpenLineage events by result.", ["result"], registry=registry
        )
        self._refused = Gauge(
            "reelmill_telemetry_refused", "1 if its settings cannot be used.", ["of"], registry=registry
        )
        self._objects = Gauge("reelmill_cache_objects", "Objects in the cache.", ["kind"], registry=registry)
        self._pipelines = Gauge(
            "reelmill_pipelines", "Pipelines with a condition that is True.", ["condition"], registry=registry
        )
        self._damaged = Gauge(
            "reelmill_damaged_objects", "Damaged objects found by the last verifications.", registry=registry
        )
        self._failing = Gauge(
            "reelmill_verifications_failing", "Pipelines whose data cannot be verified.", registry=registry
        )
        self._stages = StageCollector()
        registry.register(self._stages)
        self._errors.labels(CONTROLLER)
        for result in ("sent", "failed", "dropped"):
            self._lineage.labels(result)
        for kind in ("openlineage", "traces"):
            self._refused.labels(kind)
        for result in ("success", "requeue_after", "error"):
            self._reconciles.labels(CONTROLLER, result)

    def reconciled(self, result: str, seconds: float) -> None:
        """Record the end of a pass."""
        self._reconciles.labels(CONTROLLER, result).inc()
        self._duration.labels(CONTROLLER).observe(seconds)
        if result == "error":
            self._errors.labels(CONTROLLER).inc()

    def requested(self, method: str, status: int, seconds: float) -> None:
        """Record the end of a request; status 0: no response."""
        self._requests.labels(method, str(status) if status else "<error>").inc()
        self._request_time.labels(method).observe(seconds)

    def lineage_events(self, result: str, count: int) -> None:
        """Record the result of OpenLineage events: `sent`, `failed` or `dropped`."""
        self._lineage.labels(result).inc(count)

    def telemetry_refused(self, kind: str) -> None:
        """Record that the settings of `openlineage` or `traces` are invalid."""
        self._refused.labels(kind).set(1)

    def text(self, cache: Cache, queue: WorkQueue) -> bytes:
        """The current metrics in the Prometheus text format."""
        self._depth.labels(CONTROLLER).set(len(queue))
        adds, retries = self._counted
        self._adds.labels(CONTROLLER).inc(max(queue.adds - adds, 0))
        self._retries.labels(CONTROLLER).inc(max(queue.retries - retries, 0))
        self._counted = queue.adds, queue.retries
        began = min(queue.in_flight.values(), default=None)
        self._oldest.labels(CONTROLLER).set(0.0 if began is None else time.monotonic() - began)
        self._objects.labels("VideoPipeline").set(len(cache.pipelines))
        self._objects.labels("Job").set(len(cache.jobs))
        counts = {type_.value: 0 for type_ in ConditionType}
        damaged = failing = 0
        for pipeline in cache.pipelines:
            status = pipeline.get("status") or {}
            damaged += int((status.get("verification") or {}).get("damaged") or 0)
            for condition in status.get("conditions") or ():
                if condition.get("status") == "True" and condition.get("type") in counts:
                    counts[condition["type"]] += 1
                failing += condition.get("reason") == ConditionReason.VERIFICATION_FAILED
        for name, count in counts.items():
            self._pipelines.labels(name).set(count)
        self._damaged.set(damaged)
        self._failing.set(failing)
        self._stages.pipelines = list(cache.pipelines)
        return generate_latest(self.registry)
