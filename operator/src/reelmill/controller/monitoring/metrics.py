"""What Prometheus reads, in the vocabulary of controller-runtime, so that alerts written for other operators fit.

Labels are bounded: no metric has a series for each pipeline.
"""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from reelmill.contract.conditions import ConditionType
from reelmill.controller.state.cache import Cache
from reelmill.controller.state.queue import WorkQueue

CONTROLLER = "videopipeline"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """All series of one operator, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._reconciles = Counter(
            "controller_runtime_reconcile", "Passes over a pipeline.", ["controller", "result"], registry=registry
        )
        self._errors = Counter(
            "controller_runtime_reconcile_errors", "Passes that failed.", ["controller"], registry=registry
        )
        self._duration = Histogram(
            "controller_runtime_reconcile_time_seconds",
            "Length of a pass.",
            ["controller"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._depth = Gauge("workqueue_depth", "Pipelines that wait for a pass.", ["name"], registry=registry)
        self._adds = Counter("workqueue_adds", "Pipelines put into the queue.", ["name"], registry=registry)
        self._retries = Counter("workqueue_retries", "Passes put off after a failure.", ["name"], registry=registry)
        self._counted = (0, 0)
        self._oldest = Gauge(
            "workqueue_longest_running_processor_seconds", "Age of the oldest pass.", ["name"], registry=registry
        )
        self.queue_wait = Histogram(
            "workqueue_queue_duration_seconds", "Wait for a pass.", ["name"], buckets=_SECONDS, registry=registry
        ).labels(CONTROLLER)
        self._requests = Counter(
            "rest_client_requests", "Requests to the API server.", ["method", "code"], registry=registry
        )
        self._request_time = Histogram(
            "rest_client_request_duration_seconds",
            "Time to the API server's answer.",
            ["verb"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.budget_wait = Histogram(
            "rest_client_rate_limiter_duration_seconds",
            "Wait of a write for the operator's own limit.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.leader = Gauge(
            "leader_election_master_status", "1 where this replica acts.", ["name"], registry=registry
        ).labels(CONTROLLER)
        self.resyncs = Counter("reelmill_resyncs", "Full lists taken.", registry=registry)
        self.watch_restarts = Counter("reelmill_watch_restarts", "Times that watching began anew.", registry=registry)
        self._objects = Gauge("reelmill_cache_objects", "Objects in memory.", ["kind"], registry=registry)
        self._pipelines = Gauge(
            "reelmill_pipelines", "Pipelines of which a condition is True.", ["condition"], registry=registry
        )
        self._errors.labels(CONTROLLER)
        for result in ("success", "requeue_after", "error"):
            self._reconciles.labels(CONTROLLER, result)

    def reconciled(self, result: str, seconds: float) -> None:
        """A pass ended."""
        self._reconciles.labels(CONTROLLER, result).inc()
        self._duration.labels(CONTROLLER).observe(seconds)
        if result == "error":
            self._errors.labels(CONTROLLER).inc()

    def requested(self, method: str, status: int, seconds: float) -> None:
        """A request ended; status 0: without an answer."""
        self._requests.labels(method, str(status) if status else "<error>").inc()
        self._request_time.labels(method).observe(seconds)

    def text(self, cache: Cache, queue: WorkQueue) -> bytes:
        """Everything, of this moment."""
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
        for pipeline in cache.pipelines:
            for condition in (pipeline.get("status") or {}).get("conditions") or ():
                if condition.get("status") == "True" and condition.get("type") in counts:
                    counts[condition["type"]] += 1
        for name, count in counts.items():
            self._pipelines.labels(name).set(count)
        return generate_latest(self.registry)
