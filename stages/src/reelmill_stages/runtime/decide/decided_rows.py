"""The rows of a shard with the verdicts over them: new files of its ledger and items, which the segment names."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from reelmill.contract.records.layout import SegmentPaths
from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill.contract.records.segment import Object, ShardCommit
from reelmill_stages.records.row_files import RowFile, read_rows
from reelmill_stages.runtime.decide.verdict_files import Verdict
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address, unreadable


def decided(
    store: Store, paths: SegmentPaths, commit: ShardCommit, verdicts: Object, run: str, folder: Path
) -> ShardCommit:
    """The commit of a shard with these verdicts, which is not in the store; its rows are, under names of this run.

    Raises StoreDamaged if the verdicts do not fit the rows.
    """
    found = {
        verdict.place.row: verdict
        for verdict in read_rows(store, verdicts.key, verdicts.digest, folder, Verdict.from_json)
    }
    ledger, items = RowFile(folder / "ledger.jsonl"), RowFile(folder / "items.jsonl")
    reasons = dict(commit.reasons)
    filtered, applied = 0, 0
    for number, row in enumerate(
        read_rows(store, commit.ledger.key, commit.ledger.digest, folder, LedgerRow.from_json)
    ):
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
    for item in _remaining(store, commit, list(found.values()), folder):
        items.append({**item.to_json(), "ordinal": items.count})
        weight += item.weight
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
    )


def _remaining(store: Store, commit: ShardCommit, verdicts: list[Verdict], folder: Path) -> Iterator[Item]:
    """The items of a shard without those of filtered inputs, in order."""
    if commit.items is None:
        return
    dropped = {
        number
        for verdict in verdicts
        for number in range(verdict.place.first, verdict.place.first + verdict.place.items)
    }
    rows = read_rows(store, commit.items.key, commit.items.digest, folder, Item.from_json)
    yield from (item for number, item in enumerate(rows) if number not in dropped)
