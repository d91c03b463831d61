"""Metrics of the stages of all pipelines, from their statuses, because pods end before they could be scraped.

The numbers come from the commits in the stores, so a restart of the operator does not lose any. They are gauges,
because they decrease when a pipeline is deleted or its definition changes. Labels are bounded: types of stages,
outcomes, states, activities of workers, and, for usage, the namespaces of pipelines (the label `namespace` itself is
that of the operator in Prometheus). Values that are in no commit have no sample.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from reelmill.contract.records.usage import Bound
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.pipeline import StageSpec, members
from reelmill.contract.status import StageState

Json = Mapping[str, Any]
TYPES = frozenset(members(StageSpec, StageBlock))
STATES = get_args(StageState)
OUTCOMES = ("done", "filtered", "failed", "skipped")
SIDES = ("given", "made")
ACTIVITIES = tuple(one.value for one in Bound)
USED = {
    "cpuSeconds": ("reelmill_stage_cpu_seconds", "CPU seconds used by all runs of stages."),
    "gpuSeconds": ("reelmill_stage_gpu_seconds", "Seconds during which GPUs worked for stages."),
    "gpuDecoderSeconds": (
        "reelmill_stage_gpu_decoder_seconds",
        "Seconds during which GPU decoders worked for stages.",
    ),
    "podSeconds": ("reelmill_stage_pod_seconds", "Seconds of stage pods, including failed ones."),
}
"""Field of `Usage` -> its metric and description."""


def stage_metrics(pipelines: Iterable[Json]) -> Iterator[Metric]:
    """Sums over the stages of the resources. Outcomes and volumes that a status does not have count as 0."""
    items: Counter[tuple[str, ...]] = Counter()
    states: Counter[tuple[str, ...]] = Counter()
    seconds: dict[tuple[str, ...], float] = {}
    size: Counter[tuple[str, ...]] = Counter()
    used = _Used()
    for namespace, stage in _stage_statuses(pipelines):
        kind = str(stage.get("type") or "")
        if kind not in TYPES:
            continue
        if stage.get("state") in STATES:
            states[kind, str(stage["state"])] += 1
        for outcome in OUTCOMES:
            items[kind, outcome] += int((stage.get("totals") or {}).get(outcome) or 0)
        for side in SIDES:
            volume = stage.get(side) or {}
            seconds[kind, side] = seconds.get((kind, side), 0.0) + float(volume.get("seconds") or 0)
            size[kind, side] += int(volume.get("bytes") or 0)
        used.add(namespace, kind, stage.get("usage") or {})
    yield _gauge_family("reelmill_stages", "Stages of pipelines by state.", ["type", "state"], states)
    yield _gauge_family("reelmill_stage_items", "Inputs of stages by outcome.", ["type", "outcome"], items)
    yield _gauge_family(
        "reelmill_stage_video_seconds", "Seconds of video that stages read and made.", ["type", "side"], seconds
    )
    yield _gauge_family("reelmill_stage_bytes", "Bytes of files that stages read and made.", ["type", "side"], size)
    yield from used.families()


class StageCollector(Collector):
    """Collects the metrics of stages from the current content of `pipelines`."""

    pipelines: Sequence[Json] = ()

    def collect(self) -> Iterator[Metric]:
        return stage_metrics(self.pipelines)


def stage_text(pipelines: Sequence[Json]) -> str:
    """Only these metrics, in the Prometheus text format."""
    registry, stages = CollectorRegistry(), StageCollector()
    stages.pipelines = pipelines
    registry.register(stages)
    return generate_latest(registry).decode()


class _Used:
    """Sums of `Usage` by namespace and type of stage."""

    def __init__(self) -> None:
        self._seconds: dict[str, dict[tuple[str, ...], float]] = {field: {} for field in USED}
        self._work: dict[tuple[str, ...], float] = {}
        self._bytes: dict[tuple[str, ...], float] = {}
        self._lost: dict[tuple[str, ...], float] = {}

    def add(self, namespace: str, kind: str, usage: Json) -> None:
        place, work = (namespace, kind), usage.get("work")
        for field in USED:
            _add_value(self._seconds[field], place, usage.get(field))
        for activity in ACTIVITIES:
            _add_value(self._work, (*place, activity), None if work is None else work.get(activity) or 0.0)
        for direction, field in (("read", "bytesRead"), ("written", "bytesWritten")):
            _add_value(self._bytes, (*place, direction), usage.get(field))
        if usage:
            _add_value(self._lost, place, usage.get("lostRuns") or 0)

    def families(self) -> Iterator[Metric]:
        place = ["pipeline_namespace", "type"]
        for field, values in self._seconds.items():
            yield _gauge_family(*USED[field], place, values)
        yield _gauge_family(
            "reelmill_stage_worker_seconds",
            "Seconds of stage workers by activity.",
            [*place, "activity"],
            self._work,
        )
        yield _gauge_family(
            "reelmill_stage_store_bytes",
            "Bytes that stages read from stores and sources, and bytes that they wrote.",
            [*place, "direction"],
            self._bytes,
        )
        yield _gauge_family("reelmill_stage_lost_runs", "Runs of stages that were killed.", place, self._lost)


def _add_value(sums: dict[tuple[str, ...], float], labels: tuple[str, ...], value: float | None) -> None:
    if value is not None:
        sums[labels] = sums.get(labels, 0) + value


def _stage_statuses(pipelines: Iterable[Json]) -> Iterator[tuple[str, Json]]:
    for pipeline in pipelines:
        namespace = str((pipeline.get("metadata") or {}).get("namespace") or "")
        for stage in (pipeline.get("status") or {}).get("stages") or ():
            yield namespace, stage


def _gauge_family(
    name: str, text: str, labels: list[str], values: Mapping[tuple[str, ...], float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for found, number in sorted(values.items()):
        family.add_metric(list(found), number)
    return family
