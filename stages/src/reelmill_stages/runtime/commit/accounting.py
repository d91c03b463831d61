"""The law: in = done + filtered + failed + skipped, of each pass on its inputs and of each stage on effective rows.

It is counted from the rows themselves, never from what shards say of themselves. A broken law is a bug of reelmill
and stops the pass before it is closed.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from reelmill.contract.errors import ReelmillError
from reelmill.contract.record import LedgerRow
from reelmill.contract.segment import Counts, Part
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.effective_rows import LatestRows
from reelmill_stages.records.rows import read_rows
from reelmill_stages.store import Store


class LawBroken(ReelmillError):
    """Rows and counts disagree: a bug, exit 70."""


def effective_totals(
    data: DataSet, number: int, parts: Iterable[tuple[Part, Counts]], wanted: int, scratch: Path
) -> tuple[Counts, dict[str, int]]:
    """Effective counts and reasons of a stage with the pass that is about to be closed as segment `number`.

    `parts` are the pass's, with the counts that its shards committed; `wanted` is how many inputs the pass has.
    Raises LawBroken.
    """
    with LatestRows() as latest:
        for segment in data.segments():
            latest.add(segment.segment, data.segment_ledger(segment))
        latest.add(number, _checked(data, parts, wanted, scratch))
        totals, reasons = latest.totals()
    if not totals.balanced:
        raise LawBroken(f"the stage's effective rows do not add up: {totals}", where=data.root)
    return totals, reasons


def _checked(data: DataSet, parts: Iterable[tuple[Part, Counts]], wanted: int, scratch: Path) -> Iterator[LedgerRow]:
    total = 0
    for part, counts in parts:
        seen = dict.fromkeys(("done", "filtered", "failed", "skipped"), 0)
        for row in _rows(data.store, part, scratch):
            seen[row.outcome.value] += 1
            yield row
        if not counts.balanced or Counts.model_validate({"in": sum(seen.values()), **seen}) != counts:
            key = part.ledger.key if part.ledger else data.root
            raise LawBroken(f"a shard's rows say {seen}, its commit says {counts}", where=key)
        total += counts.in_
    if total != wanted:
        raise LawBroken(f"the pass has {wanted} inputs, its shards account for {total}", where=data.root)


def _rows(store: Store, part: Part, scratch: Path) -> Iterator[LedgerRow]:
    if part.ledger is not None:
        for row in read_rows(store, part.ledger.key, scratch):
            yield LedgerRow.from_json(row)
