"""Rows of a shard with verdicts applied: new files of its ledger and items, which the segment names."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from reelmill.contract.records.layout import SegmentPaths
from reelmill.contract.records.rows import Item, Outcome
from reelmill.contract.records.segment import Object, ShardCommit
from reelmill_stages.records.row_files import RowFile, read_rows
from reelmill_stages.records.rows.item_lines import item_reader
from reelmill_stages.records.rows.line_readers import ledger_row, of_objects
from reelmill_stages.runtime.decide.decided_flow import DecidedFlow
from reelmill_stages.runtime.decide.verdict_files import Verdict
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address, unreadable


def decided(
    store: Store, paths: SegmentPaths, commit: ShardCommit, verdicts: Object, run: str, folder: Path
) -> ShardCommit:
    """The commit of a shard with these verdicts. It is not stored; its rows are, under names of this run.

    Raises StoreDamaged if the verdicts do not fit the rows.
    """
    found = {
        verdict.place.row: verdict
        for verdict in read_rows(store, verdicts.key, verdicts.digest, folder, of_objects(Verdict.from_json))
    }
    ledger, items = RowFile(folder / "ledger.jsonl"), RowFile(folder / "items.jsonl")
    reasons = dict(commit.reasons)
    filtered, applied = 0, 0
    for number, row in enumerate(read_rows(store, commit.ledger.key, commit.ledger.digest, folder, ledger_row)):
        if verdict := found.get(number):
            if row.key != verdict.key or row.outcome != Outcome.DONE:
                raise unreadable(address(store, verdicts.key), f"the verdict about {verdict.key!r} is of another row")
            row = replace(row, outcome=Outcome.FILTERED, reason=verdict.reason, message=verdict.message)
            name = f"{row.outcome}:{row.reason}"
            reasons[name] = reasons.get(name, 0) + 1
            filtered, applied = filtered + 1, applied + 1
        ledger.append(row.to_json())
    if applied != len(found):
        raise unreadable(address(store, verdicts.key), "it has verdicts about rows that the shard does not have")
    weight = 0.0
    flow = DecidedFlow(commit.flow)
    dropped = {
        verdict.place.first + number: verdict for verdict in found.values() for number in range(verdict.place.items)
    }
    for number, item in enumerate(_items(store, commit, folder)):
        if verdict := dropped.get(number):
            flow.drop(item, verdict)
            continue
        items.append({**item.to_json(), "ordinal": items.count})
        weight += item.weight
        flow.keep(item)
    ledger.close()
    items.close()
    kept = items.upload(store, paths.items(commit.shard, run)) if items.count else None
    return commit.replace(
        counts=commit.counts.replace(done=commit.counts.done - filtered, filtered=commit.counts.filtered + filtered),
        reasons=reasons,
        items=kept,
        item_count=items.count,
        weight=weight,
        ledger=ledger.upload(store, paths.ledger(commit.shard, run)),
        flow=flow.flow(),
    )


def _items(store: Store, commit: ShardCommit, folder: Path) -> Iterator[Item]:
    """The items of a shard, in order."""
    if commit.items is not None:
        yield from read_rows(store, commit.items.key, commit.items.digest, folder, item_reader())
