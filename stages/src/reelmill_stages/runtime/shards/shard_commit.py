"""The commit of a shard: rows files with names unique to this run, referenced by a small object written last."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from reelmill.contract.records.layout import SegmentPaths
from reelmill.contract.records.rows import Outcome
from reelmill.contract.records.segment import Counts, Object, ShardCommit
from reelmill_stages.records.row_files import RowFile
from reelmill_stages.runtime.shards.outcomes import SettledInput, signature_json
from reelmill_stages.store import Store


class SignaturePlace(NamedTuple):
    """Where the rows of an input with a signature are in the files of its shard."""

    row: int
    """Row of the ledger, from 0."""
    first: int
    """Row of its first item, from 0."""
    items: int
    """Number of its items."""


def write_rows(
    store: Store,
    paths: SegmentPaths,
    shard: int,
    of: int,
    run: str,
    folder: Path,
    settled: Iterable[SettledInput],
    *,
    outputs: Iterable[Object] = (),
    spanning_items: Iterable[Mapping[str, Any]] = (),
    spanning_counters: Mapping[str, int] | None = None,
) -> ShardCommit:
    """Write the items and ledger of a shard; returns the commit, which is not written yet."""
    ledger, items = RowFile(folder / "ledger.jsonl"), RowFile(folder / "items.jsonl")
    signatures = RowFile(folder / "signatures.jsonl")
    counts = {outcome.value: 0 for outcome in Outcome}
    reasons: dict[str, int] = {}
    counters = dict(spanning_counters or {})
    seconds = weight = 0.0
    outputs = tuple(outputs)
    written = sum(output.size for output in outputs)
    for one in settled:
        row = one.ledger
        if one.signature:
            place = SignaturePlace(ledger.count, items.count, len(one.items))
            signatures.append({**signature_json(one.signature), "key": row.key, **place._asdict()})
        ledger.append(row.to_json())
        counts[row.outcome.value] += 1
        seconds += row.seconds
        if row.outcome != Outcome.DONE:
            reasons[f"{row.outcome}:{row.reason}"] = reasons.get(f"{row.outcome}:{row.reason}", 0) + 1
        for name, value in one.counters.items():
            counters[name] = counters.get(name, 0) + value
        for item in one.items:
            items.append({**item, "ordinal": items.count})
            weight += item["weight"]
            written += sum(output["size"] for output in item["outputs"])
    for item in spanning_items:
        items.append({**item, "ordinal": items.count})
        weight += item["weight"]
    item_object = items.upload(store, paths.items(shard, run)) if items.count else None
    items.close()
    signed = signatures.upload(store, paths.signatures(shard, run)) if signatures.count else None
    signatures.close()
    return ShardCommit(
        shard=shard,
        of=of,
        counts=Counts.model_validate({"in": ledger.count, **counts}),
        reasons=reasons,
        outputs=outputs,
        counters=counters,
        items=item_object,
        item_count=items.count,
        weight=weight,
        ledger=ledger.upload(store, paths.ledger(shard, run)),
        signatures=signed,
        seconds=round(seconds, 3),
        bytes=written,
    )
