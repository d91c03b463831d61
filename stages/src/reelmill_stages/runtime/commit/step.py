"""The commit step: collects the commits of shards, verifies the counts, closes the segment and builds views.

`segment.json` is written once and is authoritative. Another pod or a later run reports the existing segment.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from reelmill.contract.counters import reported
from reelmill.contract.errors import NotFound, TransientError
from reelmill.contract.log import event
from reelmill.contract.ranges import format_ranges
from reelmill.contract.records.layout import DataSetPaths, SegmentPaths
from reelmill.contract.records.segment import Counts, KeptIndex, Part, Pass, Segment, ShardCommit
from reelmill.contract.task import CommitReport
from reelmill_stages import registry
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.record_files import create, load
from reelmill_stages.runtime.commit.accounting import effective_totals
from reelmill_stages.runtime.commit.lost_shards import give_up
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.runtime.open.step import check_definition, committed_shards
from reelmill_stages.runtime.shards.log_upload import kept_log
from reelmill_stages.runtime.top_reasons import most_frequent
from reelmill_stages.runtime.views import present

log = logging.getLogger(__name__)
_READERS = 16


def commit(context: StepContext) -> CommitReport:
    """Close the pass of the task, or only build its views again.

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
            counters=_added(closed, context.data_set(closed.stage, closed.key, until=closed.segment - 1).last),
        )
    view = present(context)
    return _report(closed, view)


def _close(context: StepContext) -> Segment:
    task, store = context.task, context.store
    data = context.data_set(task.stage.name, task.stage.key, until=task.segment - 1)
    paths = data.paths(task.segment)
    if task.abandon:
        return create(store, paths.segment_json, _abandoned(context, data))[0]
    opened = load(store, paths.pass_json, Pass)
    if opened is None:
        raise NotFound("the pass was never opened", where=paths.pass_json, hint="run the open step first")
    check_definition(task, opened)
    kept: KeptIndex | None = None
    if registry.stage_class(task.stage.type, task.stage.params).decides:
        # Imported here, because few stages need it, and it imports numpy.
        from reelmill_stages.runtime.decide.step import decide

        stage = registry.stage(task.stage.type, task.stage.params)
        commits, kept = decide(context, data, opened, stage, partial(_commits, context, data, opened))
    else:
        commits, _ = _commits(context, data, opened)
    return create(store, paths.segment_json, _segment(context, data, opened, commits, kept))[0]


def _commits(
    context: StepContext, data: DataSet, opened: Pass, known: Sequence[ShardCommit] = ()
) -> tuple[list[ShardCommit], list[ShardCommit]]:
    """(the commits of all shards, in order; those that were closed as lost), where the task says so.

    `known` are lost shards whose commits are known, and stand even if one of them was committed meanwhile.
    """
    paths = data.paths(opened.segment)
    lost = {commit.shard: commit for commit in known}
    numbers = set(committed_shards(context, paths)) | lost.keys()
    undone = [number for number in range(len(opened.shards)) if number not in numbers]
    if undone and not context.task.close_lost:
        raise TransientError(
            f"{len(undone)} of {len(opened.shards)} shards are not committed: {format_ranges(undone)[:200]}",
            where=paths.root,
            hint="run them again, or close the pass without them",
        )
    with ThreadPoolExecutor(_READERS) as pool:
        numbers -= lost.keys()
        found = pool.map(lambda number: load(context.store, paths.shard(number), ShardCommit), sorted(numbers))
        commits = {commit.shard: commit for commit in found if commit is not None}
    lost |= {number: give_up(context, opened, number) for number in undone}
    commits |= lost
    return [commits[number] for number in range(len(opened.shards))], list(lost.values())


def _segment(
    context: StepContext, data: DataSet, opened: Pass, commits: list[ShardCommit], kept: KeptIndex | None
) -> Segment:
    before = data.last
    ordinal = before.next_ordinal if before else 0
    parts: list[Part] = []
    for one in commits:
        parts.append(
            Part(
                items=one.items,
                ledger=one.ledger,
                count=one.item_count,
                weight=one.weight,
                first_ordinal=ordinal,
                outputs=one.outputs,
            )
        )
        ordinal += one.item_count
    counted = ((part, one.counts) for part, one in zip(parts, commits, strict=True))
    totals, reasons = effective_totals(data, opened.segment, counted, opened.in_, context.scratch)
    counters = dict(before.counters) if before else {}
    for one in commits:
        for name, value in one.counters.items():
            counters[name] = counters.get(name, 0) + value
    return Segment(
        state="committed",
        stage=opened.stage,
        key=opened.key,
        segment=opened.segment,
        kind=opened.kind,
        covers=opened.covers,
        counts=sum((one.counts for one in commits), Counts()),
        totals=totals,
        reasons=reasons,
        coverage={**data.coverage, **{name: last for name, (_, last) in opened.covers.items()}},
        counters=counters,
        items=sum(one.item_count for one in commits),
        next_ordinal=ordinal,
        next_number=opened.first_ordinal + opened.in_,
        weight=sum(one.weight for one in commits),
        parts=tuple(parts),
        kept=kept,
        versions=opened.versions,
        definition=opened.definition,
        seconds=sum(one.seconds for one in commits),
        bytes=sum(one.bytes for one in commits),
    )


def _abandoned(context: StepContext, data: DataSet) -> Segment:
    """The segment of an abandoned pass, with the totals and coverage of the segment before."""
    task, before = context.task, data.last
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
    )


def _added(closed: Segment, before: Segment | None) -> dict[str, int]:
    """The counters of one pass; those of a segment are totals."""
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
        seconds=closed.seconds,
        bytes=closed.bytes,
        view=view,
    )
