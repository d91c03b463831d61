"""Estimates of the bytes that stages will write for inputs that they have not covered yet."""

from collections.abc import Mapping

from reelmill.contract.errors import SpecError
from reelmill.contract.task import StageDef
from reelmill_stages import registry
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.runtime.weights import data_set_weight
from reelmill_stages.weight import Weight

Waiting = Mapping[str, tuple[int, Weight]]
"""Stage name -> number and weight of the inputs that it has not covered yet."""


def waiting_inputs(context: StepContext) -> Waiting:
    """The inputs that each stage has not covered. An upstream is assumed to make one item of equal weight per input."""
    waiting: dict[str, tuple[int, Weight]] = {}
    for stage in context.task.stages:
        waiting[stage.name] = _waiting(context, stage, waiting)
    return waiting


def forecast(context: StepContext, waiting: Waiting) -> dict[str, int]:
    """Stage name -> estimated bytes, for stages with inputs to process and an estimate."""
    found: dict[str, int] = {}
    for stage in context.task.stages:
        items, weight = waiting[stage.name]
        if items:
            size = _size(stage, items, weight)
            if size is not None:
                found[stage.name] = size
    return found


def _waiting(context: StepContext, stage: StageDef, upstream_waiting: Waiting) -> tuple[int, Weight]:
    covered = context.data_set(stage.name, stage.key).coverage
    items, weight = 0, Weight()
    for upstream in stage.upstreams:
        data, after = context.data_set(upstream.name, upstream.key), covered.get(upstream.name, 0)
        items += sum(segment.items for segment in data.segments(after=after))
        weight += data_set_weight(data, after=after)
        more = upstream_waiting.get(upstream.name, (0, Weight()))
        items, weight = items + more[0], weight + more[1]
    return items, weight


def _size(stage: StageDef, items: int, weight: Weight) -> int | None:
    if registry.own_code(stage.type, stage.params):
        return None  # the survey runs in reelmill's image and imports no user stage
    try:
        return registry.stage(stage.type, stage.params).forecast(items, weight)
    except SpecError:
        return None  # the open step reports what is missing
