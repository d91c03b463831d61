"""Listing of a source and commit of new items as segments.

If two pipelines list a source at the same time, one of them creates the segment, and the other one lists again.
"""

import itertools
import logging
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reelmill.contract.errors import TransientError
from reelmill.contract.log import event
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.flow import Flow, flow_after_pass
from reelmill.contract.records.rows import Item, LedgerRow, Media, Outcome
from reelmill.contract.records.segment import Counts, Object, Part, Segment, StageRecord
from reelmill.contract.task import SourceDef, SourceReport
from reelmill.contract.text.messages import shortened
from reelmill.contract.text.quantities import count_of
from reelmill_stages import registry
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.drift import Drift
from reelmill_stages.records.record_files import create
from reelmill_stages.records.row_files import RowFile
from reelmill_stages.records.rows.encoded_item import encoded
from reelmill_stages.records.rows.flow_tally import FlowTally
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.runtime.forget.source_place import source_place
from reelmill_stages.runtime.forget.tombstones import Tombstones
from reelmill_stages.runtime.survey.list_rows import ListedRows
from reelmill_stages.runtime.survey.new_rows import NewRows
from reelmill_stages.runtime.survey.previous_listing import AGAIN, CHANGED, NEW, PreviousListing
from reelmill_stages.runtime.survey.watchdog import Watchdog
from reelmill_stages.runtime.views import write_record
from reelmill_stages.sources import Listed
from reelmill_stages.sources.objects.bucket import SourceBucket

log = logging.getLogger(__name__)

ROWS = 10_000
"""Maximum number of items in a rows file."""

LEAST = 100
"""Minimum number of items in a wave."""

_TRIES = 8


@dataclass(frozen=True, slots=True)
class WrittenRows:
    """The rows of a segment, written to the store but not committed yet."""

    parts: tuple[Part, ...]
    items: int
    weight: float
    failed: Counter[str]
    replaced: Counter[str]
    """Reason -> number of failed rows of earlier listings that these rows replace."""
    flow: Flow | None


def list_source(context: StepContext, source: SourceDef) -> SourceReport:
    """List a source and commit new items as segments.

    Raises SpecError for a source that cannot be listed, and TransientError if it makes no progress.
    """
    for _ in range(_TRIES):
        data = context.data_set(source.name, source.key)
        with PreviousListing(data) as known, NewRows() as spool, ListedRows() as lists:
            drift = Drift()
            gone = Tombstones(context.store, source.name, source_place(source))
            with Watchdog(source.name, context.clock) as watchdog:
                bucket = SourceBucket.of(source, context.task.store, context.env, progress=watchdog.mark)
                adapter, block = registry.source(source.type, source.params)
                for listed in adapter(block, bucket, source.name, known):
                    watchdog.mark()
                    if gone.keep_out(listed, known):
                        continue
                    lists.add(listed)
                    _compare_row(listed, known, spool, drift)
            drift.vanished = list(known.vanished())
            if _commit(context, source, data, spool, lists):
                drift.write(context.store, data.names)
                _warn_of_hidden(source, bucket.hidden)
                return _report(context, source, spool.count, len(drift), sum(bucket.hidden.values()))
    raise TransientError("other surveys are listing this source", where=source.name, hint="run again later")


def source_report(context: StepContext, source: SourceDef) -> SourceReport:
    """The state of a source in the store, without listing it."""
    data = context.data_set(source.name, source.key)
    return _report(context, source, 0, Drift.read(context.store, data.names))


def _warn_of_hidden(source: SourceDef, hidden: Mapping[str, int]) -> None:
    for folder, count in hidden.items():
        message = f"{source.name}: {count_of(count, 'file')} below {folder} ignored"
        hint = (
            "they are in the pipeline's own store, or in a reelmill data set but not among its current, committed files"
        )
        event(log, message, level=logging.WARNING, hint=hint)


def _report(context: StepContext, source: SourceDef, new: int, drifted: int, hidden: int = 0) -> SourceReport:
    data = context.data_set(source.name, source.key)
    return SourceReport(
        segments=data.last.segment if data.last else 0,
        items=data.item_count,
        failed=data.totals.failed,
        new=new,
        drifted=drifted,
        hidden=hidden,
    )


def _compare_row(listed: Listed, known: PreviousListing, spool: NewRows, drift: Drift) -> None:
    look = known.look(listed)
    if look.state == AGAIN:
        # Adapters must return unique keys; rows with a duplicate key are recorded as failed.
        problem = (ItemReason.DUPLICATE_KEY, f"row {look.times} with the key {listed.key!r}")
        listed = replace(listed, key=f"{listed.key}#{look.times}", media=None, problem=problem)
        look = known.look(listed)
    if look.state == NEW:
        spool.add(listed, replaces=look.failed)
    elif look.state == CHANGED:
        drift.changed.append(listed.key)


def _commit(context: StepContext, source: SourceDef, data: DataSet, spool: NewRows, lists: ListedRows) -> bool:
    """Commit all new rows; returns False if another survey was faster.

    If only rows of lists changed, a segment without items is committed.
    """
    rows = spool.rows(data.item_count)
    lengths = spool.stretches(context.task.waves, LEAST)
    changed = lists.differ(data)
    list_rows = data.last.list_rows if data.last else None
    for place, length in enumerate(lengths or ([0] if changed else [])):
        number = data.last.segment + 1 if data.last else 1
        if changed and place == 0:
            list_rows = lists.upload(context, data.paths(number).list_rows(context.run))
        written = _write(context, data, number, itertools.islice(rows, length))
        segment = _segment(source, number, data.last, written, list_rows)
        stored, ours = create(context.store, data.paths(number).segment_json, segment)
        if not ours:
            return False
        event(log, "listed", source=source.name, segment=number, items=written.items, failed=written.failed.total())
        data = context.data_set(source.name, source.key)
        write_record(context.store, listing_record(source, data, stored))
    return True


def _write(context: StepContext, data: DataSet, number: int, rows: Iterator[tuple[dict[str, Any], str]]) -> WrittenRows:
    paths = data.paths(number)
    ordinal = data.item_count
    parts: list[Part] = []
    failed: Counter[str] = Counter()
    replaced: Counter[str] = Counter()
    flow = FlowTally()
    for index in itertools.count():
        batch = list(itertools.islice(rows, ROWS))
        if not batch:
            break
        folder = Path(tempfile.mkdtemp(prefix="listing-", dir=context.scratch))
        items, ledger = RowFile(folder / "items.jsonl"), RowFile(folder / "ledger.jsonl")
        weight = 0.0
        for row, replaces in batch:
            if replaces:
                replaced[replaces] += 1
                flow.replace_row(f"failed:{replaces}")
            if row["problem"]:
                reason, message = row["problem"]
                failed[reason] += 1
                ledger.append(_ledger_row(row["key"], Outcome.FAILED, reason, message))
                flow.add(Item(row["key"], 0, row["group"], 0.0), f"failed:{reason}")
                continue
            if replaces:
                ledger.append(_ledger_row(row["key"], Outcome.DONE))
            item = _item(row)
            line = encoded(item)
            items.append_line(line.at(items.count))
            flow.add(item, Outcome.DONE)
            flow.made(line.seconds, line.uri, line.size)
            weight += row["weight"]
        parts.append(
            Part(
                items=_upload(context, items, paths.items(index, context.run)),
                ledger=_upload(context, ledger, paths.ledger(index, context.run)),
                count=items.count,
                weight=weight,
                first_ordinal=ordinal,
            )
        )
        ordinal += items.count
    return WrittenRows(
        tuple(parts), ordinal - data.item_count, sum(part.weight for part in parts), failed, replaced, flow.flow()
    )


def _upload(context: StepContext, file: RowFile, key: str) -> Object | None:
    uploaded = file.upload(context.store, key) if file.count else None
    file.close()
    return uploaded


def _item(row: dict[str, Any]) -> Item:
    media = Media.from_json(row["media"]) if row["media"] else None
    provenance = {"source": media.source, "uri": media.uri} if media else {}
    return Item(
        row["key"],
        0,
        row["group"],
        row["weight"],
        media,
        provenance=provenance,
        fields=row["fields"],
        position=row["position"],
    )


def _ledger_row(key: str, outcome: Outcome, reason: str = "", message: str = "") -> dict[str, Any]:
    return LedgerRow(key=key, ordinal=0, outcome=outcome, reason=reason, message=shortened(message)).to_json()


def _segment(
    source: SourceDef, number: int, before: Segment | None, written: WrittenRows, list_rows: Object | None
) -> Segment:
    """The segment of a listing; its items count as done and its invalid rows as failed."""
    failed, replaced = written.failed.total(), written.replaced.total()
    old = before.totals if before else Counts()
    reasons = Counter(before.reasons if before else {})
    reasons.update({f"failed:{reason}": count for reason, count in written.failed.items()})
    reasons.subtract({f"failed:{reason}": count for reason, count in written.replaced.items()})
    counts = Counts(in_=written.items + failed, done=written.items, failed=failed)
    totals = Counts(
        in_=old.in_ + counts.in_ - replaced,
        done=old.done + counts.done,
        failed=old.failed + failed - replaced,
    )
    left = {reason: count for reason, count in sorted(reasons.items()) if count}
    return Segment(
        state="committed",
        stage=source.name,
        key=source.key,
        segment=number,
        kind="listing",
        counts=counts,
        totals=totals,
        reasons=left,
        items=written.items,
        next_ordinal=(before.next_ordinal if before else 0) + written.items,
        weight=written.weight,
        parts=written.parts,
        list_rows=list_rows,
        definition={"type": source.type, "params": source.params},
        flow=flow_after_pass(before.flow if before else Flow(), written.flow, totals.done, left),
    )


def listing_record(source: SourceDef, data: DataSet, last: Segment) -> StageRecord:
    """The summary of a source's data set after this segment."""
    return StageRecord(
        stage=source.name,
        key=source.key,
        segment=last.segment,
        definition=last.definition,
        coverage={},
        totals=last.totals,
        reasons=last.reasons,
        items=last.next_ordinal,
        weight=data.weight,
    )
