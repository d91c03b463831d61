"""The inputs of a pass: rows of upstream segments that are not covered yet, or items that failed.

The result consists of slices of rows files and, for sharding, the weight and group of every item.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from reelmill.contract.errors import StalePlan
from reelmill.contract.reasons import RetryHelps, item_reason
from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill.contract.records.segment import Segment, Slice
from reelmill.contract.task import Upstream
from reelmill_stages.records.retried_row import RetriedRow
from reelmill_stages.records.row_files import RowFile
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.runtime.input_numbers import NO_POSITION, position_ranges
from reelmill_stages.runtime.inputs import union_key
from reelmill_stages.runtime.open.sharding import ItemSequence


@dataclass(slots=True)
class PassInputs:
    """The inputs of a pass, in order."""

    slices: list[Slice] = field(default_factory=list)
    row: ItemSequence = field(default_factory=ItemSequence)
    covers: dict[str, tuple[int, int]] = field(default_factory=dict)
    placed: "dict[str, array[int]]" = field(default_factory=dict)
    """Upstream name -> positions of its inputs."""
    _group: tuple[str, str] | None = None

    def append(self, item: Item, upstream: str) -> None:
        """Add an item for sharding."""
        group = (upstream, item.group)
        is_bytes = item.media is not None and item.weight == item.media.size
        self.row.append(item.weight, starts=group != self._group, is_bytes=is_bytes)
        placed = self.placed.setdefault(upstream, array("q"))
        placed.append(NO_POSITION if item.position is None else item.position)
        self._group = group

    def positions(self) -> dict[str, str]:
        """`Pass.positions`."""
        ranges = {upstream: position_ranges(placed) for upstream, placed in self.placed.items()}
        return {upstream: text for upstream, text in ranges.items() if text}


def gather(context: StepContext, before: Segment | None) -> PassInputs:
    """The inputs of the task's pass; `before` is the stage's last closed segment.

    Raises StalePlan if an upstream lacks a segment that the task has to cover.
    """
    if context.task.kind == "retry":
        return _inputs_to_retry(context)
    work = PassInputs()
    covered = before.coverage if before else {}
    for upstream in context.task.stage.upstreams:
        first, last = covered.get(upstream.name, 0) + 1, context.task.cover.get(upstream.name, 0)
        if last >= first:
            _add_uncovered(context, work, upstream, first, last)
    return work


def _add_uncovered(context: StepContext, work: PassInputs, upstream: Upstream, first: int, last: int) -> None:
    data = context.data_set(upstream.name, upstream.key)
    closed = data.last.segment if data.last else 0
    if closed < last:
        raise StalePlan(
            f"segment {last} of {upstream.name} has to be covered, but only {closed} are closed",
            where=data.root,
            hint="a new survey updates the plan",
        )
    work.covers[upstream.name] = (first, last)
    for segment in data.segments(after=first - 1):
        if segment.segment > last:
            break
        for part in segment.parts:
            if part.items is None or part.count == 0:
                continue
            work.slices.append(
                Slice(
                    upstream=upstream.name,
                    rows=part.items.key,
                    first=0,
                    count=part.count,
                    ordinal=part.first_ordinal,
                    digest=part.items.digest,
                )
            )
            for item in data.part_items(part):
                work.append(item, upstream.name)


def _inputs_to_retry(context: StepContext) -> PassInputs:
    """Items whose effective outcome is a failure of one of the requested classes; writes their rows for the shards."""
    task = context.task
    wanted = set(task.retry)
    stage = context.data_set(task.stage.name, task.stage.key)
    tried = {
        (row.key, row.ordinal): (row.attempt, f"{row.outcome}:{row.reason}")
        for row in stage.ledger()
        if _should_retry(row, wanted)
    }
    work = PassInputs()
    union = len(task.stage.upstreams) > 1
    for upstream in task.stage.upstreams:
        file = RowFile(context.scratch / f"retry-{upstream.name}.jsonl")
        for item in _items(context, upstream, stage.coverage.get(upstream.name, 0)) if tried else ():
            before = tried.get((union_key(upstream.name, item.key, union=union), item.ordinal))
            if before is not None:
                file.append(RetriedRow(item, *before).to_json())
                work.append(item, upstream.name)
        key = stage.paths(task.segment).inputs(f"{upstream.name}-{context.run}")
        if file.count:
            rows = file.upload(context.store, key)
            work.slices.append(Slice(upstream=upstream.name, rows=key, first=0, count=file.count, digest=rows.digest))
        file.close()
    return work


def _should_retry(row: LedgerRow, wanted: set[str]) -> bool:
    """Whether to retry a row: a failure of the wanted classes (none: all), or a skip that a retry may change."""
    if row.outcome == Outcome.FAILED:
        return not wanted or row.reason in wanted
    reason = item_reason(row.reason) if row.outcome == Outcome.SKIPPED and row.reason in wanted else None
    return reason is not None and reason.retry is not RetryHelps.NO


def _items(context: StepContext, upstream: Upstream, covered: int) -> Iterator[Item]:
    data = context.data_set(upstream.name, upstream.key)
    for segment in data.segments():
        if segment.segment <= covered:
            for part in segment.parts:
                yield from data.part_items(part)
