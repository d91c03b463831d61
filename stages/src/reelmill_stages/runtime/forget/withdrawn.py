"""The segment that records withdrawn inputs, which must be processed again.

The file that contained them was deleted, or the item that they were dropped in favour of. The segment is like that of a
retry in which all inputs were skipped. The next run processes them without further action.
"""

import secrets
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from reelmill.contract.errors import SpecError
from reelmill.contract.ranges import parse_ranges
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.flow import flow_after_pass
from reelmill.contract.records.forgotten import AffectedDataSet
from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill.contract.records.segment import Counts, Object, Part, Pass, Segment, ShardPlan, Slice
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.lineage.ways import source_items, upstream_of
from reelmill_stages.records.record_files import create
from reelmill_stages.records.retried_row import RetriedRow
from reelmill_stages.records.row_files import RowFile
from reelmill_stages.records.rows.flow_tally import FlowTally

_IN_A_FILE = "the file with this input also contained data of a forgotten item"
_COPY = "dropped as a copy of a forgotten item"
_NAME = f"{Outcome.SKIPPED}:{ItemReason.WITHDRAWN}"


def withdraw_inputs(data: DataSet, what: AffectedDataSet, runner: Runner) -> None:
    """Close a segment with a row for each withdrawn input that does not have one yet."""
    rows = _rows(data, what)
    before = data.last
    if not rows or before is None:
        return
    folder = Path(tempfile.mkdtemp(prefix="withdrawn-", dir=data.scratch))
    run = f"0-{secrets.token_hex(4)}"
    paths = data.paths(before.segment + 1)
    slices: list[Slice] = []
    tally = _Tally(folder)
    with closing(tally.ledger):
        for upstream, key in what.upstreams.items():
            source = DataSet(data.store, DataSetPaths(upstream, key), scratch=data.scratch)
            with closing(RowFile(folder / f"{upstream}.jsonl")) as inputs:
                for item in _items(source, rows.get(upstream, {})):
                    inputs.append(tally.add(item, rows[upstream][item.ordinal]).to_json())
                if inputs.count:
                    stored = inputs.upload(data.store, paths.inputs(f"{upstream}-{run}"))
                    piece = Slice(upstream=upstream, rows=stored.key, first=0, count=inputs.count, digest=stored.digest)
                    slices.append(piece)
        _close_segment(data, before, tuple(slices), tally, runner, paths.ledger(0, run))


@dataclass(slots=True)
class _Tally:
    """The ledger of the segment, and the sums over its rows."""

    folder: Path
    ledger: RowFile = field(init=False)
    flow: FlowTally = field(default_factory=FlowTally)
    weight: float = 0.0
    former: Counter[str] = field(default_factory=Counter)
    """Number of inputs by their outcome, as `outcome:reason`."""

    def __post_init__(self) -> None:
        self.ledger = RowFile(self.folder / "ledger.jsonl")

    def add(self, item: Item, row: LedgerRow) -> RetriedRow:
        """Add an input; returns its row for a retry."""
        message = _IN_A_FILE if row.outcome == Outcome.DONE else _COPY
        row_of_input = LedgerRow(row.key, row.ordinal, Outcome.SKIPPED, ItemReason.WITHDRAWN, message, 0.0, row.attempt)
        former = row.outcome.value if row.outcome == Outcome.DONE else f"{row.outcome}:{row.reason}"
        self.ledger.append(row_of_input.to_json())
        self.flow.add(item, _NAME, former)
        self.former[former] += 1
        self.weight += item.weight
        return RetriedRow(item, row.attempt, former)


def _close_segment(
    data: DataSet, before: Segment, slices: tuple[Slice, ...], tally: _Tally, runner: Runner, ledger_key: str
) -> None:
    paths = data.paths(before.segment + 1)
    count = tally.ledger.count
    plan = Pass(
        stage=data.name,
        key=data.names.key,
        segment=before.segment + 1,
        kind="retry",
        retries=(ItemReason.WITHDRAWN,),
        in_=count,
        first_ordinal=before.next_number,
        shards=(ShardPlan(slices=slices, count=count, weight=tally.weight),),
        definition=before.definition,
        versions=before.versions,
        runner=runner,
    )
    stored_plan, _ = create(data.store, paths.pass_json, plan)
    if stored_plan.retries != plan.retries:
        raise SpecError(
            f"the pass {paths.root} was opened meanwhile",
            where=data.uri,
            hint="when it has finished: reelmill forget PIPELINE --continue --yes",
        )
    written = tally.ledger.upload(data.store, ledger_key)
    create(data.store, paths.segment_json, _segment(before, written, tally))


def _segment(before: Segment, ledger: Object, tally: _Tally) -> Segment:
    count, done = tally.ledger.count, tally.former[Outcome.DONE.value]
    totals = before.totals.replace(
        done=before.totals.done - done,
        filtered=before.totals.filtered - (count - done),
        skipped=before.totals.skipped + count,
    )
    reasons = Counter({**before.reasons, _NAME: before.reasons.get(_NAME, 0) + count})
    reasons.subtract({name: number for name, number in tally.former.items() if name != Outcome.DONE})
    left = {name: number for name, number in sorted(reasons.items()) if number}
    return Segment(
        state="committed",
        stage=before.stage,
        key=before.key,
        segment=before.segment + 1,
        kind="retry",
        counts=Counts(in_=count, skipped=count),
        totals=totals,
        reasons=left,
        coverage=before.coverage,
        counters=before.counters,
        items=0,
        next_ordinal=before.next_ordinal,
        next_number=before.next_number + count,
        parts=(Part(items=None, ledger=ledger, count=0, weight=0.0, first_ordinal=before.next_ordinal),),
        versions=before.versions,
        definition=before.definition,
        flow=flow_after_pass(before.flow, tally.flow.flow(), totals.done, left),
        total_usage=before.total_usage,
    )


def _rows(data: DataSet, what: AffectedDataSet) -> dict[str, dict[int, LedgerRow]]:
    """Upstream -> ordinal -> the row of each withdrawn input that has not been processed again yet."""
    found: dict[tuple[str, int], LedgerRow] = {}
    wanted = {(part.segment, part.shard): set(parse_ranges(part.withdrawn)) for part in what.parts if part.withdrawn}
    for segment in data.segments() if wanted else ():
        for shard, part in enumerate(segment.parts):
            numbers = wanted.get((segment.segment, shard), ())
            for number, row in enumerate(data.part_ledger(part)):
                if number in numbers:
                    found[row.key, row.ordinal] = row
                else:  # a later pass may have processed it again
                    found.pop((row.key, row.ordinal), None)
    rows: dict[str, dict[int, LedgerRow]] = {}
    for row in found.values():
        rows.setdefault(upstream_of(row, list(what.upstreams)), {})[row.ordinal] = row
    return rows


def _items(upstream: DataSet, rows: Mapping[int, LedgerRow]) -> list[Item]:
    return [found.item for found in source_items(upstream, rows.keys())] if rows else []
