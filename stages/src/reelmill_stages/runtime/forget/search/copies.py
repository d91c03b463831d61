"""Inputs that a stage which decides over the whole data set dropped as copies of items that are now forgotten.

The verdict about such an input names the input that it was compared with (`stages.dedup`). Once that is forgotten, the
verdict is no longer justified, and the input must be decided again.
"""

from collections.abc import Collection, Mapping, Sequence

from reelmill.contract.records.rows import Outcome
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.lineage.ways import upstream_of
from reelmill_stages.runtime.forget.search.names import Names

Copies = dict[tuple[int, int], set[int]]
"""(segment, shard) -> rows of the ledger."""


def copies_of(data: DataSet, upstreams: Sequence[str], ordinals: Mapping[str, Collection[int]]) -> Copies:
    """The copies of inputs with these ordinals (by upstream), including copies that are among these inputs."""
    if not any(segment.kept for segment in data.segments()):
        return {}
    keys: set[str] = set()
    for row in data.raw_ledger():
        if row.ordinal in ordinals.get(upstream_of(row, upstreams), ()):
            keys.add(row.key)
    names, found = Names(keys), Copies()
    for segment in data.segments() if keys else ():
        for shard, part in enumerate(segment.parts):
            rows = {
                number
                for number, row in enumerate(data.part_ledger(part))
                if row.outcome == Outcome.FILTERED and row.message and names.mentioned(row.message)
            }
            if rows:
                found[segment.segment, shard] = rows
    return found
