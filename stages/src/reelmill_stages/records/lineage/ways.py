"""The ways from items back to their inputs, and from items of an upstream to the items that a stage made from them.

Items are identified by their ordinals, which the ledgers of later stages contain, so only relevant parts are read.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from reelmill.contract.records.rows import Item, LedgerRow
from reelmill.contract.records.segment import Part, Pass, Segment, ShardPlan
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.lineage.part_lineage import Inputs, PartLineage
from reelmill_stages.records.record_files import load

Ordinals = Mapping[str, Collection[int]]
"""Source or stage -> ordinals of items."""


class FoundItem(NamedTuple):
    """An item, its segment and the inputs that it was made from; None if unknown, or for an item of a source."""

    segment: Segment
    item: Item
    inputs: tuple[LedgerRow, ...] | None


def upstream_of(row: LedgerRow, upstreams: Sequence[str]) -> str:
    """The upstream of an input. With several upstreams, keys in the ledger begin with its name."""
    return upstreams[0] if len(upstreams) == 1 else row.key.partition("/")[0]


def source_items(data: DataSet, ordinals: Collection[int]) -> Iterator[FoundItem]:
    """The items of a source with these ordinals, in order."""
    for segment in data.segments():
        for part in segment.parts:
            if _has_any(part, ordinals):
                for item in data.part_items(part):
                    if item.ordinal in ordinals:
                        yield FoundItem(segment, item, None)


def made_items(data: DataSet, ordinals: Collection[int]) -> Iterator[FoundItem]:
    """The items of a stage with these ordinals, in order, with their inputs. Raises StoreDamaged."""
    for segment in data.segments():
        for shard, part in enumerate(segment.parts):
            if not _has_any(part, ordinals):
                continue
            lineage = PartLineage(data, segment, shard)
            found = [(item, inputs) for item, inputs in lineage.items() if item.ordinal in ordinals]
            rows = _rows(lineage, (inputs for _, inputs in found))
            for item, inputs in found:
                # Some inputs of an assembled file may have been refused.
                of = None if inputs is None else tuple(rows[each] for each in inputs if rows[each].outcome == "done")
                yield FoundItem(segment, item, of)


def affected_parts(
    data: DataSet, upstreams: Sequence[str], ordinals: Ordinals
) -> Iterator[tuple[Segment, PartLineage, dict[int, LedgerRow]]]:
    """The parts of a stage that have any of these upstream items as inputs, with these inputs by row."""
    for segment in data.segments():
        plan = load(data.store, data.paths(segment.segment).pass_json, Pass)
        for shard in range(len(segment.parts)):
            if plan and shard < len(plan.shards) and not _reads_any(plan.shards[shard], ordinals):
                continue
            lineage = PartLineage(data, segment, shard)
            rows = {
                number: row
                for number, row in enumerate(lineage.inputs())
                if row.ordinal in ordinals.get(upstream_of(row, upstreams), ())
            }
            if rows:
                yield segment, lineage, rows


def _rows(lineage: PartLineage, wanted: Iterator[Inputs]) -> dict[int, LedgerRow]:
    numbers = {number for inputs in wanted for number in inputs or ()}
    return {number: row for number, row in enumerate(lineage.inputs()) if number in numbers} if numbers else {}


def _has_any(part: Part, ordinals: Collection[int]) -> bool:
    inside = range(part.first_ordinal, part.first_ordinal + part.count)
    return _overlap(inside, ordinals)


def _reads_any(plan: ShardPlan, ordinals: Ordinals) -> bool:
    """Whether a shard may have one of these items as an input. Inputs of a retry are not in a common order."""
    return any(
        piece.upstream in ordinals
        if piece.ordinal is None
        else _overlap(range(piece.ordinal, piece.ordinal + piece.count), ordinals.get(piece.upstream, ()))
        for piece in plan.slices
    )


def _overlap(inside: range, ordinals: Collection[int]) -> bool:
    if len(inside) < len(ordinals):
        return any(ordinal in ordinals for ordinal in inside)
    return any(ordinal in inside for ordinal in ordinals)
