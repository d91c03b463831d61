"""What the stages of all pipelines did, from their statuses: pods end before anybody could scrape them.

The numbers are those of the commits in the stores, so a restart of the operator loses none. They fall when a pipeline
is deleted or its definition changes, so they are gauges. Labels are bounded: types of stages, outcomes, states.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.pipeline import StageSpec, members
from reelmill.contract.status import StageState

Json = Mapping[str, Any]
TYPES = frozenset(members(StageSpec, StageBlock))
STATES = get_args(StageState)
OUTCOMES = ("done", "filtered", "failed", "skipped")
SIDES = ("given", "made")


def stage_metrics(pipelines: Iterable[Json]) -> Iterator[Metric]:
    """Sums over the stages of these resources. Fields that a status does not have count as 0."""
    items: Counter[tuple[str, str]] = Counter()
    states: Counter[tuple[str, str]] = Counter()
    seconds: dict[tuple[str, str], float] = {}
    size: Counter[tuple[str, str]] = Counter()
    for stage in _stages(pipelines):
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
    yield _family("reelmill_stages", "Stages of pipelines by state.", "state", states)
    yield _family("reelmill_stage_items", "Inputs of stages by outcome.", "outcome", items)
    yield _family("reelmill_stage_video_seconds", "Seconds of video that stages were given and made.", "side", seconds)
    yield _family("reelmill_stage_bytes", "Bytes of files that stages were given and made.", "side", size)


def _stages(pipelines: Iterable[Json]) -> Iterator[Json]:
    for pipeline in pipelines:
        yield from (pipeline.get("status") or {}).get("stages") or ()


def _family(name: str, text: str, label: str, values: Mapping[tuple[str, str], float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=["type", label])
    for (kind, value), number in sorted(values.items()):
        family.add_metric([kind, value], number)
    return family
