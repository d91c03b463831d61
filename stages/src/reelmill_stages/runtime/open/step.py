"""The open step: collect the inputs of a pass, divide them into shards, and write the plan once.

An existing plan is adopted, so that a pass is always finished as it was opened.
"""

import logging
from dataclasses import replace

from reelmill.contract.errors import SpecError, StalePlan
from reelmill.contract.log import event
from reelmill.contract.ranges import format_ranges
from reelmill.contract.records.layout import DataSetPaths, SegmentPaths
from reelmill.contract.records.segment import Pass, Segment, ShardPlan, Slice
from reelmill.contract.task import OpenReport, Task
from reelmill.contract.task_parts.follow_up import FollowUp
from reelmill_stages import registry
from reelmill_stages.host.cgroup import cpus
from reelmill_stages.records import heartbeat
from reelmill_stages.records.claims import claim, point_latest
from reelmill_stages.records.pins import pin_files, read_pins
from reelmill_stages.records.record_files import create, load
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.runtime.forget.tombstones import is_being_forgotten
from reelmill_stages.runtime.open.fit import is_small
from reelmill_stages.runtime.open.pass_inputs import PassInputs, gather
from reelmill_stages.runtime.open.plan_blocks import write_blocks
from reelmill_stages.runtime.open.sharding import auto_count, cut
from reelmill_stages.runtime.outputs.work import Files
from reelmill_stages.runtime.versions import versions
from reelmill_stages.runtime.views import repair_record
from reelmill_stages.store.locations import Locations

log = logging.getLogger(__name__)


def open_pass(context: StepContext, follow_up: FollowUp | None = None) -> OpenReport:
    """Open the pass of the task, or adopt an existing one. With a follow-up, the report states whether it is small.

    Raises StalePlan if the task is out of date or the pass was opened with another definition, and SpecError if the
    stage cannot run with its parameters.
    """
    task, store = context.task, context.store
    names = DataSetPaths(task.stage.name, task.stage.key)
    paths = names.segment(task.segment)
    now = claim(store, names, task.owner)
    for upstream in task.stage.upstreams:
        claim(store, DataSetPaths(upstream.name, upstream.key), task.owner)
    point_latest(store, names)
    closed = load(store, paths.segment_json, Segment)
    before = _previous_segment(context)
    repair_record(context, closed or before)
    opened = load(store, paths.pass_json, Pass)
    if closed is None and opened is None:
        opened = _open(context, names, paths, before)
        event(log, "opened", stage=opened.stage, segment=opened.segment, shards=len(opened.shards), inputs=opened.in_)
    if opened is None:  # an abandoned pass that was never opened
        return OpenReport(segment=task.segment, shards=1, in_=0, closed=True)
    check_definition(task, opened)
    foreign = closed is None and heartbeat.is_foreign(store, paths, opened, task.owner.uid, now)
    if closed is None:
        write_blocks(store, paths, opened)
    if closed is None and not foreign:
        heartbeat.beat(store, paths, heartbeat.runner(task, context.env))
    return OpenReport(
        segment=opened.segment,
        shards=len(opened.shards),
        done=format_ranges(committed_shards(context, paths)),
        in_=opened.in_,
        weight=sum(shard.weight for shard in opened.shards),
        closed=closed is not None,
        foreign=foreign,
        kind=opened.kind if follow_up else "",
        small=follow_up is not None and closed is None and is_small(context, opened, follow_up.bound),
    )


def check_definition(task: Task, opened: Pass) -> None:
    """Raise StalePlan if the key or definition of a pass differs from that of the task."""
    if (opened.key, opened.definition) != (task.stage.key, task.stage.definition):
        raise StalePlan(
            f"segment {opened.segment} of {opened.stage} was opened with another definition",
            where=DataSetPaths(task.stage.name, task.stage.key).segment(task.segment).pass_json,
            hint="a new survey updates the plan",
        )


def committed_shards(context: StepContext, paths: SegmentPaths) -> list[int]:
    """Numbers of the committed shards. Other objects among the commits are ignored."""
    numbers = (paths.shard_number(stat.key) for stat in context.store.list(paths.shards))
    return [number for number in numbers if number is not None]


def _previous_segment(context: StepContext) -> Segment | None:
    """The segment before that of the pass. Raises StalePlan if it is not closed."""
    task = context.task
    if task.segment == 1:
        return None
    paths = DataSetPaths(task.stage.name, task.stage.key).segment(task.segment - 1)
    before = load(context.store, paths.segment_json, Segment)
    if before is None:
        raise StalePlan(
            f"segment {task.segment - 1} is not closed", where=paths.root, hint="a new survey updates the plan"
        )
    return before


def _open(context: StepContext, names: DataSetPaths, paths: SegmentPaths, before: Segment | None) -> Pass:
    task = context.task
    stage = registry.stage(task.stage.type, task.stage.params)
    if stage.spans and stage.decides:
        raise SpecError(
            "a stage cannot both assemble files of several items and decide over the whole data set",
            where=task.stage.name,
            hint="decide in a stage of its own, and assemble in the one after it",
        )
    stage.check()
    stage.check_server()
    for source in task.sources:
        if is_being_forgotten(context.store, source.name):
            raise StalePlan(f"items of {source.name} are being forgotten", hint="a new survey waits for the end of it")
    locations = Locations(task.store, task.sources, context.env)
    pin_files(locations, names, stage.block)
    pins = read_pins(context.store, names, stage.block)
    files = Files(locations, pins, context.scratch / "files")
    stage.check_files(lambda ref: files.read(ref.uri, ref.digest or ""))
    work = gather(context, before)
    parts = task.shard_count or auto_count(work.row, stage.pace, task.limits.workers or cpus())
    shards = _shards(work, cut(work.row, parts, batch=stage.block.batch))
    planned = Pass(
        stage=task.stage.name,
        key=task.stage.key,
        segment=task.segment,
        kind=task.kind,
        covers=work.covers,
        retries=task.retry,
        in_=len(work.row),
        first_ordinal=before.next_number if before else 0,
        shards=shards or (ShardPlan(slices=(), count=0, weight=0.0),),
        positions={} if stage.spans else work.positions(),
        definition=task.stage.definition,
        versions=versions(),
        runner=heartbeat.runner(task, context.env),
        usage=(usage := context.meter.take()),
    )
    stored, ours = create(context.store, paths.pass_json, planned)
    if not ours:
        context.meter.add(usage)
    return stored


def _shards(work: PassInputs, bounds: list[tuple[int, int]]) -> tuple[ShardPlan, ...]:
    """The shards, as slices of rows files."""
    pieces = iter(work.slices)
    piece, used = next(pieces, None), 0
    shards: list[ShardPlan] = []
    for first, end in bounds:
        slices: list[Slice] = []
        wanted = end - first
        while wanted and piece is not None:
            taken = min(wanted, piece.count - used)
            slices.append(_slice_part(piece, used, taken))
            wanted -= taken
            used += taken
            if used == piece.count:
                piece, used = next(pieces, None), 0
        shards.append(ShardPlan(slices=tuple(slices), count=end - first, weight=sum(work.row.weights[first:end])))
    return tuple(shards)


def _slice_part(piece: Slice, first: int, count: int) -> Slice:
    ordinal = None if piece.ordinal is None else piece.ordinal + first
    return replace(piece, first=piece.first + first, count=count, ordinal=ordinal)
