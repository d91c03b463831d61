"""Decision whether one pod can do a whole pass: it has one shard and is within the limits set by the planner."""

from collections.abc import Mapping
from dataclasses import dataclass

from reelmill.contract.records.segment import Pass
from reelmill.contract.task import StageDef
from reelmill.contract.task_parts.follow_up import NextStage, PassBound
from reelmill_stages import registry
from reelmill_stages.host.cgroup import cpus
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.runtime.inputs import shard_inputs
from reelmill_stages.runtime.open.sharding import seconds_of_bytes, shards_for
from reelmill_stages.runtime.weights import data_set_weight, weight_of
from reelmill_stages.weight import Weight

UNKNOWN_PACE = 1.0
"""Pace of a stage with user code, which a pod of another stage does not import."""


@dataclass(frozen=True, slots=True)
class PassSize:
    """The inputs of a pass: their number, and their weight with its units."""

    items: int
    weight: Weight

    @property
    def seconds(self) -> float:
        """The weight in seconds of video, estimated for items that are weighed by size."""
        return self.weight.seconds + self.weight.unknown + seconds_of_bytes(self.weight.bytes)

    def within(self, bound: PassBound) -> bool:
        """Whether both number and weight are within the bound."""
        seconds = self.weight.seconds + self.weight.unknown
        return self.items <= bound.items and seconds <= bound.seconds and self.weight.bytes <= bound.bytes


def pending_size(
    context: StepContext, stage: StageDef, covered: Mapping[str, int], cover: Mapping[str, int]
) -> PassSize:
    """The size of a pass that is not open yet, from the segments that it would cover."""
    items, weight = 0, Weight()
    for upstream in stage.upstreams:
        data = context.data_set(upstream.name, upstream.key, until=cover.get(upstream.name, 0))
        after = covered.get(upstream.name, 0)
        items += sum(segment.items for segment in data.segments(after=after))
        weight += data_set_weight(data, after=after)
    return PassSize(items, weight)


def seems_small(size: PassSize, stage: StageDef, wanted: NextStage, bound: PassBound | None) -> bool:
    """Whether a pass of this size will probably have one shard, and is within the bound."""
    if bound is None or not size.within(bound):
        return False
    if wanted.shard_count:
        return wanted.shard_count == 1
    return shards_for(size.items, size.seconds, _stage_pace(stage), wanted.workers or cpus()) == 1


def is_small(context: StepContext, opened: Pass, bound: PassBound | None) -> bool:
    """Whether an open pass is small and was opened for this task's kind of work."""
    if bound is None or len(opened.shards) != 1 or opened.kind != context.task.kind:
        return False
    plan = opened.shards[0]
    inputs = shard_inputs(context.store, opened, 0, context.scratch, upstreams=context.task.stage.upstreams)
    first = next((given.input.item for given in inputs if given.input.item.weight), None) if plan.count else None
    weight = Weight(unknown=plan.weight)
    if first is not None:
        weight = weight_of(first.weight, first.media, first.fields).scaled(plan.weight / first.weight)
    return PassSize(plan.count, weight).within(bound)


def _stage_pace(stage: StageDef) -> float:
    if registry.own_code(stage.type, stage.params):
        return UNKNOWN_PACE
    return registry.stage(stage.type, stage.params).pace
