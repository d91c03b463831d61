"""The row of an item, encoded once: outcomes, checkpoints and rows files hold it with another ordinal each."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from reelmill.contract.digest import canonical
from reelmill.contract.records.rows import Item, Output
from reelmill_stages.records.rows.canonical_row import item_around, row_around
from reelmill_stages.records.rows.item_values import file_of, seconds_of

_NO_OUTPUTS = b'"outputs":[]'


class EncodedItem(Struct, frozen=True, gc=False):
    """An item's row in canonical JSON, in two parts around its ordinal."""

    key: str
    weight: float
    seconds: float | None
    """Duration of the item in seconds, if it is known."""
    uri: str
    """Its file, or the first of its outputs if it has none; empty if it has neither."""
    size: int
    """Bytes of that file, or of all outputs."""
    outputs: tuple[Output, ...]
    head: bytes
    tail: bytes

    def at(self, ordinal: int) -> bytes:
        """The row with this ordinal."""
        return b"%b%d%b" % (self.head, ordinal, self.tail)

    @property
    def written(self) -> int:
        """Bytes of its outputs."""
        return sum([output.size for output in self.outputs])


def encoded(item: Item, row: Mapping[str, Any] | None = None) -> EncodedItem:
    """The encoded row of an item, whatever its ordinal. `row` is its row, where the caller has it.

    Raises TypeError or ValueError for values that JSON cannot represent.
    """
    head, tail = item_around(item) if row is None else row_around(row)
    return _of(item, item.outputs, head, tail)


def passed_on(item: Item, row: bytes) -> EncodedItem | None:
    """The encoded row of an item that is passed on, without outputs of its own, from the canonical row that it has.

    None where the row has other items' ordinals or outputs in it as well, so that its own cannot be told.
    """
    if item.position is not None:
        return None
    mark = b'"ordinal":'
    head, _, tail = row.partition(mark)
    number, comma, tail = tail.partition(b",")
    if mark in tail or not number.isdigit():
        return None
    outputs = b'"outputs":' + canonical([output.to_json() for output in item.outputs]) if item.outputs else _NO_OUTPUTS
    if tail.count(outputs) != 1:
        return None
    if item.outputs:
        tail = tail.replace(outputs, _NO_OUTPUTS)
    return _of(item, (), head + mark, comma + tail)


def _of(item: Item, outputs: tuple[Output, ...], head: bytes, tail: bytes) -> EncodedItem:
    uri, size = file_of(item)
    return EncodedItem(item.key, item.weight, seconds_of(item), uri, size, outputs, head, tail)
