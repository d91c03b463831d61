"""Comparison of the frozen outcomes of a shard with the ledger and the items, which were made from them.

Verdicts filter inputs that are done in the outcomes, and forgetting makes rows anonymous; neither counts as a
difference.
"""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.forgotten import is_anonymous, is_forgotten
from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill.contract.records.segment import Part
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.row_files import read_rows
from reelmill_stages.records.rows.encoded_item import EncodedItem, encoded
from reelmill_stages.records.rows.line_readers import ledger_row, of_objects
from reelmill_stages.runtime.shards.outcomes import SettledInput

_Made = tuple[Item, EncodedItem]


def difference(data: DataSet, part: Part, settled: Iterator[SettledInput]) -> str:
    """The difference between outcomes and the rows of their part; empty if there is none.

    Raises StoreDamaged for rows or outcomes that cannot be read.
    """
    if part.ledger is None:
        return ""
    ledger = read_rows(data.store, part.ledger.key, part.ledger.digest, data.scratch, ledger_row)
    items: Iterator[_Made] | None = _items(data, part)
    for number, (row, one) in enumerate(zip_longest(ledger, settled), 1):
        if row is None or one is None:
            return "it has another number of lines than the shard has inputs"
        if row.reason == ItemReason.SHARD_LOST:
            continue
        if not _is_same_outcome(row, one.ledger):
            return f"line {number} is not the outcome that was committed for {row.key!r}"
        if is_anonymous(row.key) or is_anonymous(one.key):
            items = None  # from here on, items cannot be matched to lines
        if items and row.outcome == Outcome.DONE and not all(_is_next_item(items, made) for made in one.items):
            return f"the items of line {number} are not those that were committed for {row.key!r}"
    return ""


def _is_same_outcome(row: LedgerRow, frozen: LedgerRow) -> bool:
    if is_anonymous(row.key) or is_anonymous(frozen.key):
        return row.ordinal == frozen.ordinal
    same = (row.key, row.ordinal, row.attempt) == (frozen.key, frozen.ordinal, frozen.attempt)
    if row.outcome == Outcome.FILTERED and frozen.outcome == Outcome.DONE:  # by a verdict
        return same
    return same and (row.outcome, row.reason, row.seconds) == (frozen.outcome, frozen.reason, frozen.seconds)


def _is_next_item(items: Iterator[_Made], wanted: EncodedItem) -> bool:
    """Whether the next item equals the one in the outcomes. An anonymous item is not compared."""
    item, made = next(items, (None, None))
    return made is not None and item is not None and (is_forgotten(item) or made.at(0) == wanted.at(0))


def _items(data: DataSet, part: Part) -> Iterator[_Made]:
    def read(row: dict[str, Any]) -> _Made:
        item = Item.from_json(row)
        return item, encoded(item, row)

    if part.items is not None:
        yield from read_rows(data.store, part.items.key, part.items.digest, data.scratch, of_objects(read))
