"""The commit step: collect the commits of shards, verify the counts, close the segment and build views.

`segment.json` is written once and is authoritative. If it exists, another pod or a later run reports it.
"""

import logging
from array import array
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from reelmill.contract.counters import reported
from reelmill.contract.errors import NotFound, TransientError
from reelmill.contract.log import event
from reelmill.contract.ranges import format_ranges
from reelmill.contract.records.flow import Flow, flow_after_pass, total
from reelmill.contract.records.layout import DataSetPaths, SegmentPaths
from reelmill.contract.records.segment import Counts, KeptIndex, Part, Pass, Segment, ShardCommit
from reelmill.contract.records.usage import sum_of_usages
from reelmill.contract.task import CommitReport, StageDef
from reelmill.contract.text.quantities import count_of
from reelmill_stages import registry
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.record_files import create, load
from reelmill_stages.runtime.commit.accounting import (
    Totals,
    carried_forward,
    counted_again,
    retried_inputs,
    totals_of_pass,
)
from reelmill_stages.runtime.commit.lost_shards import give_up
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.runtime.open.step import check_definition, committed_shards
from reelmill_stages.runtime.outputs.answers import spent
from reelmill_stages.runtime.pass_usage import CommittedUsage, open_usage, pass_usage
from reelmill_stages.runtime.shards.log_upload import kept_log
from reelmill_stages.runtime.top_reasons import most_frequent
from reelmill_stages.runtime.views import present

log = logging.getLogger(__name__)
_READERS = 16
_AT_ONCE = 1024
"""Number of commits of shards in memory at the same time."""


def commit(context: StepContext) -> CommitReport:
    """Close the pass of the task, or only rebuild its views.

    Raises TransientError if shards are not committed and must not be closed as lost, and StalePlan if the pass was
    opened with another definition.
    """
    task = context.task
    paths = DataSetPaths(task.stage.name, task.stage.key).segment(task.segment)
    with kept_log(context.store, paths.commit_log(context.run)):
        return _commit(context, paths)


def _commit(context: StepContext, paths: SegmentPaths) -> CommitReport:
    task, store = context.task, context.store
    closed = load(store, paths.segment_json, Segment)
    if closed is None:
        if task.view_only:
            raise NotFound(
                "there is no segment to build views from", where=paths.segment_json, hint="run the stage first"
            )
        closed = _close(context)
        event(
            log,
            closed.state,
            stage=closed.stage,
            segment=closed.segment,
            **closed.counts.model_dump(by_alias=True),
            counters=_counters_of_pass(
                closed, context.data_set(closed.stage, closed.key, until=closed.segment - 1).last
            ),
        )
    closed = closed.replace(parts=())  # views read them again
    view = present(context)
    return _report(closed, view)


def _close(context: StepContext) -> Segment:
    task, store = context.task, context.store
    data = context.data_set(task.stage.name, task.stage.key, until=task.segment - 1)
    paths = data.paths(task.segment)
    if task.abandon:
        return create(store, paths.segment_json, _abandoned_segment(context, data))[0]
    opened = load(store, paths.pass_json, Pass)
    if opened is None:
        raise NotFound("the pass was never opened", where=paths.pass_json, hint="run the open step first")
    check_definition(task, opened)
    kept: KeptIndex | None = None
    commits: Iterable[ShardCommit]
    used = CommittedUsage()
    if registry.stage_class(task.stage.type, task.stage.params).decides:
        # Imported here because few stages need it, and it imports numpy.
        from reelmill_stages.runtime.decide.step import decide

        stage = registry.stage(task.stage.type, task.stage.params)
        commits, kept = decide(context, data, opened, stage, partial(_shard_commits, context, data, opened, used))
    else:
        commits = _shard_commits(context, data, opened, used, {})
    return create(store, paths.segment_json, _segment(context, data, opened, commits, used, kept))[0]


def _shard_commits(
    context: StepContext, data: DataSet, opened: Pass, used: CommittedUsage, lost: dict[int, ShardCommit]
) -> Iterator[ShardCommit]:
    """The commits of all shards, in order, few at a time; missing ones are closed as lost if the task requests it.

    The usage of their runs is added to `used`. `lost` maps lost shards to their known commits, which remain valid even
    if one of the shards was committed in the meantime. Shards that are closed as lost are added to it.
    """
    paths = data.paths(opened.segment)
    numbers = set(committed_shards(context, paths)) | lost.keys()
    undone = [number for number in range(len(opened.shards)) if number not in numbers]
    if undone and not context.task.close_lost:
        raise TransientError(
            f"{len(undone)} of {count_of(len(opened.shards), 'shard')} not committed: {format_ranges(undone)[:200]}",
            where=paths.root,
            hint="run them again, or close the pass without them",
        )

    def read(number: int) -> ShardCommit | None:
        if number in lost or number not in numbers:
            return lost.get(number)
        if commit := load(context.store, paths.shard(number), ShardCommit):
            return commit
        raise TransientError(
            "the commit of a shard no longer exists", where=paths.shard(number), hint="run the stage again"
        )

    with ThreadPoolExecutor(_READERS) as pool:
        for first in range(0, len(opened.shards), _AT_ONCE):
            batch = range(first, min(first + _AT_ONCE, len(opened.shards)))
            for number, commit in zip(batch, pool.map(read, batch), strict=True):
                if commit is None:
                    commit = lost[number] = give_up(context, opened, number)
                used.add(commit)
                yield commit


@dataclass
class _Sums:
    """Sums over the shards of a segment."""

    next_ordinal: int
    counters: dict[str, int]
    parts: list[Part] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    seconds: "array[float]" = field(default_factory=lambda: array("d"))
    bytes: int = 0
    flow: Flow | None = field(default_factory=Flow)

    def add(self, commits: Iterable[ShardCommit]) -> Iterator[tuple[Part, Counts]]:
        """Add the commits one by one; yields each as a part of the segment, with its counts."""
        for one in commits:
            part = Part(
                items=one.items,
                ledger=one.ledger,
                count=one.item_count,
                weight=one.weight,
                first_ordinal=self.next_ordinal,
                outputs=one.outputs,
                lineage=one.lineage,
            )
            self.parts.append(part)
            self.next_ordinal += one.item_count
            self.counts += one.counts
            self.seconds.append(one.seconds)
            self.bytes += one.bytes
            self.flow = total((self.flow, one.flow))
            for name, value in one.counters.items():
                self.counters[name] = self.counters.get(name, 0) + value
            yield part, one.counts


def _segment(
    context: StepContext,
    data: DataSet,
    opened: Pass,
    commits: Iterable[ShardCommit],
    used: CommittedUsage,
    kept: KeptIndex | None,
) -> Segment:
    before = data.last
    sums = _Sums(before.next_ordinal if before else 0, dict(before.counters) if before else {})
    added = totals_of_pass(data, opened.segment, sums.add(commits), opened.in_, context.scratch)
    totals = _totals(data, opened, added, sums)
    usage = sum_of_usages([pass_usage(context.store, data.paths(opened.segment), opened, used), context.meter.take()])
    if _may_send_requests(context.task.stage):
        sums.counters |= spent(context.store, data.names)
    return Segment(
        state="committed",
        stage=opened.stage,
        key=opened.key,
        segment=opened.segment,
        kind=opened.kind,
        covers=opened.covers,
        counts=sums.counts,
        totals=totals.counts,
        reasons=totals.reasons,
        coverage={**data.coverage, **{name: last for name, (_, last) in opened.covers.items()}},
        counters=sums.counters,
        items=sum(part.count for part in sums.parts),
        next_ordinal=sums.next_ordinal,
        next_number=opened.first_ordinal + opened.in_,
        weight=sum(part.weight for part in sums.parts),
        parts=tuple(sums.parts),
        kept=kept,
        versions=opened.versions,
        definition=opened.definition,
        seconds=sum(sums.seconds),
        bytes=sums.bytes,
        flow=flow_after_pass(before.flow if before else Flow(), sums.flow, totals.counts.done, totals.reasons),
        usage=usage,
        total_usage=sum_of_usages([before.total_usage if before else None, usage]),
    )


def _totals(data: DataSet, opened: Pass, added: Totals, sums: _Sums) -> Totals:
    """The totals of the stage after the pass, from the totals before it if they suffice."""
    retried = retried_inputs(opened.kind, sums.flow)
    if retried is None or (opened.kind == "retry" and not opened.in_):
        # An empty retry was started because totals disagree with the rows; without a recount it would start again.
        return counted_again(data, opened.segment, sums.parts)
    carried = carried_forward(data.last, added, opened.in_, retried)
    return carried or counted_again(data, opened.segment, sums.parts)


def _may_send_requests(stage: StageDef) -> bool:
    """Whether a stage may have sent requests to a server; user code is not imported to determine this."""
    return bool(registry.own_code(stage.type, stage.params)) or registry.stage_class(stage.type, stage.params).asks


def _abandoned_segment(context: StepContext, data: DataSet) -> Segment:
    """The segment of an abandoned pass, with the totals and coverage of the segment before."""
    task, before = context.task, data.last
    usage = sum_of_usages([open_usage(context.store, data.paths(task.segment)), context.meter.take()])
    return Segment(
        state="abandoned",
        stage=task.stage.name,
        key=task.stage.key,
        segment=task.segment,
        kind=task.kind,
        counts=Counts(),
        totals=before.totals if before else Counts(),
        reasons=before.reasons if before else {},
        coverage=before.coverage if before else {},
        counters=before.counters if before else {},
        items=0,
        next_ordinal=before.next_ordinal if before else 0,
        next_number=before.next_number if before else 0,
        definition=task.stage.definition,
        flow=before.flow if before else Flow(),
        usage=usage,
        total_usage=sum_of_usages([before.total_usage if before else None, usage]),
    )


def _counters_of_pass(closed: Segment, before: Segment | None) -> dict[str, int]:
    """The counters of this pass; those of a segment are totals."""
    known = before.counters if before else {}
    return {name: more for name, count in closed.counters.items() if (more := count - known.get(name, 0))}


def _report(closed: Segment, view: str) -> CommitReport:
    return CommitReport(
        segment=closed.segment,
        state=closed.state,
        counts=closed.counts,
        totals=closed.totals,
        coverage=closed.coverage,
        items=closed.next_ordinal,
        reasons=most_frequent(closed.reasons),
        counters=reported(closed.counters),
        usage=closed.total_usage,
        given=closed.flow.given if closed.flow else None,
        made=closed.flow.made if closed.flow else None,
        seconds=closed.seconds,
        bytes=closed.bytes,
        view=view,
    )
