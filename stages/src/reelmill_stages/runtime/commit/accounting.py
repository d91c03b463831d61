"""Verification of in = done + filtered + failed + skipped for the inputs of a pass, and totals of its stage.

The rows of the pass are counted; the counts reported by shards are not relied on. A violation is a bug and prevents
closing the pass. Rows of earlier passes are not read again: their totals are carried forward from segment to segment,
so the cost of a small pass does not depend on the size of the data set. `reelmill check --deep` and the verify step
count all rows.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reelmill.contract.errors import ReelmillError
from reelmill.contract.records.flow import Flow
from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill.contract.records.segment import Counts, Part, Segment
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.effective_rows import LatestRows
from reelmill_stages.records.row_files import read_rows
from reelmill_stages.records.rows.line_readers import ledger_row
from reelmill_stages.store import Store


class LawBroken(ReelmillError):
    """Rows and counts differ, which is a bug (exit code 70)."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Effective counts, and the number of rows by `outcome:reason`, for all outcomes except done."""

    counts: Counts
    reasons: dict[str, int]


def totals_of_pass(
    data: DataSet, number: int, parts: Iterable[tuple[Part, Counts]], wanted: int, scratch: Path
) -> Totals:
    """The effective rows of the pass to be closed as segment `number`.

    `parts` are those of the pass, with the counts that its shards committed; `wanted` is its number of inputs. Raises
    LawBroken if rows and counts differ.
    """
    with LatestRows() as latest:
        latest.add(number, _checked_rows(data, parts, wanted, scratch))
        return Totals(*latest.totals())


def carried_forward(before: Segment | None, added: Totals, wanted: int, retried: Mapping[str, int]) -> Totals | None:
    """The totals after a pass of `wanted` inputs, computed from the totals before it.

    `retried` is the number of its inputs per outcome in earlier passes, as `outcome:reason`. Returns None if the
    numbers do not add up; all rows must be counted then.
    """
    if added.counts.in_ != wanted:
        return None
    outcomes = Counter(_by_outcome(before.totals if before else Counts()))
    outcomes.update(_by_outcome(added.counts))
    reasons = Counter(before.reasons if before else {})
    reasons.update(added.reasons)
    for name, count in retried.items():
        outcomes[name.partition(":")[0]] -= count
        reasons[name] -= count
    if min((*outcomes.values(), *reasons.values()), default=0) < 0:
        return None
    counts = Counts.model_validate({"in": outcomes.total(), **outcomes})
    left = {name: count for name, count in sorted(reasons.items()) if count}
    return Totals(counts, left) if sum(left.values()) == counts.in_ - counts.done else None


def counted_again(data: DataSet, number: int, parts: Iterable[Part]) -> Totals:
    """The totals from the rows of all passes, including the pass to be closed. Raises LawBroken."""
    with LatestRows() as latest:
        for segment in data.segments():
            latest.add(segment.segment, data.segment_ledger(segment))
        for part in parts:
            latest.add(number, data.part_ledger(part))
        found = Totals(*latest.totals())
    if not found.counts.balanced:
        raise LawBroken(f"the effective rows of the stage are inconsistent: {found.counts}", where=data.root)
    return found


def retried_inputs(kind: str, flow: Flow | None) -> dict[str, int] | None:
    """The number of inputs of a pass per outcome in earlier passes; None if it was not recorded."""
    if kind != "retry":
        return {}
    return None if flow is None else {name: volume.items for name, volume in flow.retried.items()}


def _by_outcome(counts: Counts) -> dict[str, int]:
    return {outcome.value: getattr(counts, outcome.value) for outcome in Outcome}


def _checked_rows(
    data: DataSet, parts: Iterable[tuple[Part, Counts]], wanted: int, scratch: Path
) -> Iterator[LedgerRow]:
    total = 0
    for part, counts in parts:
        seen = dict.fromkeys(("done", "filtered", "failed", "skipped"), 0)
        for row in _ledger_rows(data.store, part, scratch):
            seen[row.outcome.value] += 1
            yield row
        if not counts.balanced or Counts.model_validate({"in": sum(seen.values()), **seen}) != counts:
            key = part.ledger.key if part.ledger else data.root
            raise LawBroken(f"the rows of a shard have {seen}, but its commit has {counts}", where=key)
        total += counts.in_
    if total != wanted:
        raise LawBroken(f"the pass has {wanted} inputs, but its shards have {total}", where=data.root)


def _ledger_rows(store: Store, part: Part, scratch: Path) -> Iterator[LedgerRow]:
    if part.ledger is not None:
        yield from read_rows(store, part.ledger.key, part.ledger.digest, scratch, ledger_row)
