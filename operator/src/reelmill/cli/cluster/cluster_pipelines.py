"""The pipelines of a cluster for the dashboard: what `status`, `why` and `logs` show.

A connection belongs to one thread, so all requests share a thread. Logs use a second one, because reading the logs of
many pods takes long. Only the verbs get and list are used.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import yaml

from reelmill.cli.cluster.client import JOBS, PIPELINES, PODS, ClusterClient
from reelmill.cli.cluster.commands.events import fetched_view
from reelmill.cli.cluster.explanation import why
from reelmill.cli.cluster.pipeline_view import Json, PipelineView, plain, seconds_left, shard_of, stage_of
from reelmill.cli.cluster.requests import command_builder
from reelmill.cli.cluster.target import of_resource
from reelmill.cli.cluster.verdict import verdict
from reelmill.cli.input.options import ClusterOptions
from reelmill.contract.commands.dashboard import PipelineDefinition, PipelineRow, PodLine, ShowRows, StageWork
from reelmill.contract.errors import ReelmillError, SpecError
from reelmill.contract.ranges import parse_ranges
from reelmill.contract.status import StageStatus
from reelmill.contract.text.redaction import redacted
from reelmill.contract.text.urls import without_secrets
from reelmill.plan.snapshot import moment

T = TypeVar("T")

POD_LINES = 200
"""Lines from the end of each pod's log."""
MOST_PODS = 20
"""Maximum number of pods whose logs are read; the newest come first."""
LOG_SECONDS = 5.0
"""Time limit in seconds for reading the log of a pod."""
CLOSING = 1.0
"""Seconds that `close` waits for requests."""
MOST_FAILED = 1000
"""Maximum number of failed shards that are listed."""
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class ClusterPipelines:
    """Implementation of `Pipelines`; a context manager that closes the connections.

    Raises SpecError if no cluster is configured.
    """

    def __init__(self, place: ClusterOptions, *, everywhere: bool, log_seconds: float = LOG_SECONDS) -> None:
        self._place = place
        self._everywhere = everywhere
        self._log_seconds = log_seconds
        self._resources: dict[tuple[str, str], Json] = {}
        self._states, self._logs = _Connections(place, "cluster"), _Connections(place, "cluster-logs")
        try:
            self._first = self._states.first()
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        self._states.close()
        self._logs.close()

    @property
    def origin(self) -> str:
        where = "all namespaces" if self._everywhere else f"namespace {self._first.namespace}"
        return f"cluster {self._first.context}, {where}" if self._first.context else f"this cluster, {where}"

    def rows(self, show: ShowRows | None = None) -> list[PipelineRow]:
        """All pipelines, from one list. Raises SpecError if listing them is not permitted, and TransientError."""
        found = self._states.ask(lambda: self._first.every(PIPELINES, everywhere=self._everywhere))
        self._resources = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in found}
        now = datetime.now(UTC)
        return [_pipeline_row(PipelineView(each, now)) for _, each in sorted(self._resources.items())]

    def definition(self, namespace: str, name: str) -> PipelineDefinition:
        resource = self._resource(namespace, name)
        metadata = dict(plain(resource)["metadata"])
        annotations = {
            name: value for name, value in (metadata.pop("annotations", None) or {}).items() if name != _APPLIED
        }
        shown = {
            "apiVersion": resource.get("apiVersion"),
            "kind": resource.get("kind"),
            "metadata": {**metadata, **({"annotations": annotations} if annotations else {})},
            "spec": resource.get("spec"),
        }
        return PipelineDefinition(
            namespace=namespace,
            name=name,
            task=(loaded := of_resource(resource)).task(),
            document=yaml.safe_dump(redacted(shown), sort_keys=False, allow_unicode=True),
            tolerances=loaded.graph.tolerances,
        )

    def work(self, namespace: str, name: str) -> list[StageWork]:
        seen = PipelineView(self._resource(namespace, name), datetime.now(UTC))
        return [_stage_work(stage, seen) for stage in seen.status.stages]

    def why(self, namespace: str, name: str, stage: str = "") -> str:
        resource = self._resource(namespace, name)
        say = command_builder(name, replace(self._place, namespace=namespace))
        client = self._states.of(namespace)
        try:
            seen = self._states.ask(lambda: fetched_view(client, resource))
        except ReelmillError:  # reading Jobs, pods or events is not permitted: fall back to the status alone
            seen = PipelineView(resource, datetime.now(UTC))
        return why(seen, say, stage)

    def logs(self, namespace: str, name: str, stage: str, shard: int | None) -> Iterator[PodLine]:
        resource, client = self._resource(namespace, name), self._logs.of(namespace)
        yield from self._logs.ask(lambda: _pod_lines(client, resource, stage, shard, self._log_seconds))

    def _resource(self, namespace: str, name: str) -> Json:
        """The current resource of a pipeline. Raises SpecError if it does not exist."""
        if not self._everywhere and namespace != self._first.namespace:
            raise SpecError(f"this dashboard does not show namespace {namespace}", hint="start with --all-namespaces")
        if namespace != self._first.namespace and not any(namespace == known for known, _ in self._resources):
            raise SpecError(f"no pipelines found in namespace {namespace[:100]!r}")
        client = self._states.of(namespace)
        return self._states.ask(lambda: client.pipeline(name))


class _Connections:
    """A thread with one connection for each namespace."""

    def __init__(self, place: ClusterOptions, name: str) -> None:
        self._place = place
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._clients: dict[str, ClusterClient] = {}

    def ask(self, question: Callable[[], T]) -> T:
        """Run `question` in the thread and return its result."""
        return self._thread.submit(question).result()

    def first(self) -> ClusterClient:
        """The connection to the selected namespace. Raises SpecError if no cluster is configured."""
        client = self.ask(lambda: ClusterClient(self._place))
        return self._clients.setdefault(client.namespace, client)

    def of(self, namespace: str) -> ClusterClient:
        if namespace not in self._clients:
            place = replace(self._place, namespace=namespace)
            self._clients[namespace] = self.ask(lambda: ClusterClient(place))
        return self._clients[namespace]

    def close(self) -> None:
        """Close the connections. A request to a cluster that does not respond is awaited for a short time."""
        closed = [self._thread.submit(client.close) for client in self._clients.values()]
        self._thread.shutdown(wait=False)
        wait(closed, timeout=CLOSING)


def _pipeline_row(seen: PipelineView) -> PipelineRow:
    state, note = verdict(seen)
    passes = [stage.pass_ for stage in seen.status.stages if stage.pass_]
    stamps = [moment(each.last_transition_time) for each in seen.status.conditions]
    changed = max((stamp.timestamp() for stamp in stamps if stamp), default=None)
    row: dict[str, Any] = {
        "namespace": seen.namespace,
        "name": seen.name,
        "state": state,
        "note": note,
        "active": seen.status.active,
        "done": sum(each.done for each in passes),
        "shards": sum(each.shards for each in passes),
        "items": seen.status.stages[-1].items if seen.status.stages else None,
        "failed": seen.status.failed,
        "changed": changed,
        "store": without_secrets(seen.status.store),
    }
    return PipelineRow.model_validate(row)


def _stage_work(stage: StageStatus, seen: PipelineView) -> StageWork:
    work = stage.pass_
    return StageWork(
        stage=stage.name,
        state=stage.state,
        message=stage.stall.message if stage.stall and not stage.message else stage.message,
        step=work.step if work else "",
        shards=work.shards if work else 0,
        done=work.done if work else 0,
        active=work.active if work else 0,
        attempt=work.attempt if work else 0,
        failed=_failed_shards(work.failed) if work else [],
        seconds_left=seconds_left(stage, seen),
    )


def _failed_shards(ranges: str) -> list[int]:
    """Return the numbers in `ranges`, which may be truncated."""
    try:
        return list(parse_ranges(ranges.rstrip("…").rpartition(",")[0] if ranges.endswith("…") else ranges))[
            :MOST_FAILED
        ]
    except ValueError:
        return []


def _pod_lines(client: ClusterClient, resource: Json, stage: str, shard: int | None, seconds: float) -> list[PodLine]:
    jobs = client.owned(JOBS, resource)
    pods = [
        pod
        for pod in client.owned(PODS, resource)
        if stage_of(pod) == stage
        and shard in (None, shard_of(pod, jobs))
        and (pod.get("status") or {}).get("phase") not in (None, "Pending")
    ]
    pods.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp")))
    newest = {pod["metadata"]["name"]: shard_of(pod, jobs) for pod in pods[-MOST_PODS:]}
    found = []
    for name, tail in client.tails(list(newest), last=POD_LINES, seconds=seconds).items():
        lines = [f"the log cannot be read: {tail}"] if isinstance(tail, ReelmillError) else tail
        found += [PodLine(pod=name, stage=stage, shard=newest[name], line=line) for line in lines]
    return found
