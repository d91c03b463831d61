"""Verifies in = done + filtered + failed + skipped, for the inputs of each pass and the effective rows of each stage.

The rows themselves are counted, not the counts reported by shards. A violation is a bug and prevents closing the pass.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from reelmill.contract.errors import ReelmillError
from reelmill.contract.records.rows import LedgerRow
from reelmill.contract.records.segment import Counts, Part
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.effective_rows import LatestRows
from reelmill_stages.records.row_files import read_rows
from reelmill_stages.store import Store


class LawBroken(ReelmillError):
    """Rows and counts differ, which is a bug (exit code 70)."""


def effective_totals(
    data: DataSet, number: int, parts: Iterable[tuple[Part, Counts]], wanted: int, scratch: Path
) -> tuple[Counts, dict[str, int]]:
    """Effective counts and reasons of a stage, including the pass to be closed as segment `number`.

    `parts` are those of the pass, with the counts that its shards committed; `wanted` is its number of inputs. Raises
    LawBroken if rows and counts differ.
    """
    with LatestRows() as latest:
        for segment in data.segments():
            latest.add(segment.segment, data.segment_ledger(segment))
        latest.add(number, _checked(data, parts, wanted, scratch))
        totals, reasons = latest.totals()
    if not totals.balanced:
        raise LawBroken(f"the effective rows of the stage are inconsistent: {totals}", where=data.root)
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
            raise LawBroken(f"the rows of a shard have {seen}, but its commit has {counts}", where=key)
        total += counts.in_
    if total != wanted:
        raise LawBroken(f"the pass has {wanted} inputs, but its shards have {total}", where=data.root)


def _rows(store: Store, part: Part, scratch: Path) -> Iterator[LedgerRow]:
    if part.ledger is not None:
        yield from read_rows(store, part.ledger.key, part.ledger.digest, scratch, LedgerRow.from_json)
