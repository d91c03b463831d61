"""The commit of a shard: rows files with names unique to this run, referenced by a small object written last."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from reelmill.contract.records.layout import SegmentPaths
from reelmill.contract.records.rows import Outcome
from reelmill.contract.records.segment import Counts, ShardCommit
from reelmill.contract.records.usage import Usage
from reelmill_stages.records.row_files import RowFile
from reelmill_stages.records.rows.encoded_item import EncodedItem
from reelmill_stages.records.rows.flow_tally import FlowTally
from reelmill_stages.records.rows.item_values import file_of
from reelmill_stages.runtime.inputs import ShardInput
from reelmill_stages.runtime.shards.assembly import NO_GROUPS, UploadedGroups
from reelmill_stages.runtime.shards.outcomes import SettledInput, signature_json
from reelmill_stages.store import Store


class SignaturePlace(NamedTuple):
    """Position of the rows of an input with a signature in the files of its shard."""

    row: int
    """Row of the ledger, from 0."""
    first: int
    """Row of its first item, from 0."""
    items: int
    """Number of its items."""
    input_bytes: int | None = None
    """Size of the input's file; None: that of its item, which is the passed-on input."""

    def to_json(self) -> dict[str, int]:
        """The fields that are set."""
        return {name: value for name, value in self._asdict().items() if value is not None}


class ShardRows:
    """The items and ledger of a shard in local files, and the sums over their rows."""

    def __init__(self, folder: Path) -> None:
        self._ledger = RowFile(folder / "ledger.jsonl")
        self._items = RowFile(folder / "items.jsonl")
        self._signatures = RowFile(folder / "signatures.jsonl")
        self._lineage = RowFile(folder / "lineage.jsonl")
        self._counts = {outcome.value: 0 for outcome in Outcome}
        self._reasons: dict[str, int] = {}
        self._counters: dict[str, int] = {}
        self._flow = FlowTally()
        self._seconds = self._weight = 0.0
        self._written = 0

    def add(self, given: ShardInput, settled: SettledInput) -> None:
        """Add an input with its outcome."""
        row = settled.ledger
        if settled.signature:
            uri, size = file_of(given.input.item)
            is_input = all(item.uri == uri for item in settled.items)
            place = SignaturePlace(
                self._ledger.count, self._items.count, len(settled.items), None if is_input else size
            )
            self._signatures.append({**signature_json(settled.signature), "key": row.key, **place.to_json()})
        self._ledger.append_line(settled.ledger_line)
        self._counts[row.outcome.value] += 1
        self._seconds += row.seconds
        name = row.outcome.value
        if row.outcome != Outcome.DONE:
            name = f"{row.outcome}:{row.reason}"
            self._reasons[name] = self._reasons.get(name, 0) + 1
        self._flow.add(given.input.item, name, given.former)
        for counter, value in settled.counters.items():
            self._counters[counter] = self._counters.get(counter, 0) + value
        for item in settled.items:
            self._add_item(item)
            self._written += item.written

    def commit(
        self,
        store: Store,
        paths: SegmentPaths,
        shard: int,
        of: int,
        run: str,
        *,
        groups: UploadedGroups = NO_GROUPS,
        spanning_counters: Mapping[str, int] | None = None,
        usage: Usage | None = None,
    ) -> ShardCommit:
        """Upload the rows, after those of files that span items; returns the commit, which is not written yet."""
        for item in groups.items:
            self._add_item(item)
        for made in groups.lineage:
            self._lineage.append(made.to_json())
        counters = dict(spanning_counters or {})
        for name, value in self._counters.items():
            counters[name] = counters.get(name, 0) + value
        found = self._items.upload(store, paths.items(shard, run)) if self._items.count else None
        self._items.close()
        signed = self._signatures.upload(store, paths.signatures(shard, run)) if self._signatures.count else None
        self._signatures.close()
        lineage = self._lineage.upload(store, paths.lineage(shard, run)) if self._lineage.count else None
        self._lineage.close()
        return ShardCommit(
            shard=shard,
            of=of,
            counts=Counts.model_validate({"in": self._ledger.count, **self._counts}),
            reasons=self._reasons,
            outputs=groups.objects,
            counters=counters,
            items=found,
            item_count=self._items.count,
            weight=self._weight,
            ledger=self._ledger.upload(store, paths.ledger(shard, run)),
            signatures=signed,
            lineage=lineage,
            seconds=round(self._seconds, 3),
            bytes=self._written + sum(output.size for output in groups.objects),
            flow=self._flow.flow(),
            usage=usage,
        )

    def close(self) -> None:
        """Close the files, whose rows will not be committed."""
        self._ledger.close()
        self._items.close()
        self._signatures.close()
        self._lineage.close()

    def _add_item(self, item: EncodedItem) -> None:
        self._items.append_line(item.at(self._items.count))
        self._weight += item.weight
        self._flow.made(item.seconds, item.uri, item.size)
