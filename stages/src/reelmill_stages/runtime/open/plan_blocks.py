"""The plan of a large pass in blocks, so that the total size read by all shards grows linearly with their number.

A block is read as the whole pass with empty shards in place of other blocks: two of them stand for all earlier and all
later inputs, so that numbers and positions of inputs are unchanged. The first shards read `pass.json`, and so do all
shards of small passes, which have no blocks.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from reelmill.contract.errors import PreconditionFailed
from reelmill.contract.records.layout import SegmentPaths
from reelmill.contract.records.segment import PLAN_BLOCK, Pass, PlanBlock, ShardPlan, Slice
from reelmill_stages.records.record_files import dump, load
from reelmill_stages.store import Store

_WRITERS = 16
_NOTHING = ShardPlan(slices=(), count=0, weight=0.0)


def write_blocks(store: Store, paths: SegmentPaths, opened: Pass) -> None:
    """Write the blocks of a pass that is in the store; existing ones are the same."""

    def write(number: int) -> None:
        try:
            store.write(paths.plan_block(number), dump(plan_block(opened, number)), create=True)
        except PreconditionFailed:
            pass

    count = -(-len(opened.shards) // PLAN_BLOCK)
    if count < 2:
        return
    there = {stat.key for stat in store.list(paths.plan_block(1).rpartition("/")[0] + "/")}
    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(write, [number for number in range(1, count) if paths.plan_block(number) not in there]))


def read_plan(store: Store, paths: SegmentPaths, shard: int) -> Pass | None:
    """The pass, with at least the plan of this shard; None if it was not opened. Raises StoreDamaged."""
    block = load(store, paths.plan_block(shard // PLAN_BLOCK), PlanBlock) if shard >= PLAN_BLOCK else None
    return whole(block) if block else load(store, paths.pass_json, Pass)


def plan_block(opened: Pass, number: int) -> PlanBlock:
    """One block of a pass."""
    first, end = number * PLAN_BLOCK, (number + 1) * PLAN_BLOCK
    return PlanBlock(
        plan=opened.replace(shards=opened.shards[first:end]),
        first=first,
        of=len(opened.shards),
        before=_shards_together(opened.shards[:first]),
        after=_shards_together(opened.shards[end:]),
    )


def whole(block: PlanBlock) -> Pass:
    """The pass of a block."""
    shards = [_NOTHING] * block.of
    end = block.first + len(block.plan.shards)
    shards[0] = block.before
    shards[block.first : end] = block.plan.shards
    if end < block.of:
        shards[end] = block.after
    return block.plan.replace(shards=tuple(shards))


def _shards_together(shards: Iterable[ShardPlan]) -> ShardPlan:
    counts: dict[str, int] = {}
    weight = 0.0
    for shard in shards:
        weight += shard.weight
        for piece in shard.slices:
            counts[piece.upstream] = counts.get(piece.upstream, 0) + piece.count
    slices = tuple(Slice(upstream=name, rows="", first=0, count=count) for name, count in counts.items())
    return ShardPlan(slices=slices, count=sum(counts.values()), weight=weight)
