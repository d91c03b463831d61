"""The row of an item, encoded once: outcomes, checkpoints and rows files contain it with different ordinals."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from reelmill.contract.digest import canonical
from reelmill.contract.records.rows import Item, Output
from reelmill_stages.records.rows.canonical_row import item_around, row_around
from reelmill_stages.records.rows.item_values import file_of, seconds_of

_NO_OUTPUTS = b'"outputs":[]'


class EncodedItem(Struct, frozen=True, gc=False):
    """The row of an item in canonical JSON, split at its ordinal."""

    key: str
    weight: float
    seconds: float | None
    """Duration of the item in seconds, or None if unknown."""
    uri: str
    """Its file, or the first of its outputs if it has none; empty if it has neither."""
    size: int
    """Size of that file, or of all outputs, in bytes."""
    outputs: tuple[Output, ...]
    head: bytes
    tail: bytes

    def at(self, ordinal: int) -> bytes:
        """The row with this ordinal."""
        return b"%b%d%b" % (self.head, ordinal, self.tail)

    @property
    def written(self) -> int:
        """Total size of its outputs in bytes."""
        return sum([output.size for output in self.outputs])


def encoded(item: Item, row: Mapping[str, Any] | None = None) -> EncodedItem:
    """Encode the row of an item, with its ordinal left out. `row` is the row as a dict, if the caller has it.

    Raises TypeError or ValueError for values that JSON cannot represent.
    """
    head, tail = item_around(item) if row is None else row_around(row)
    return _encoded_item(item, item.outputs, head, tail)


def passed_on(item: Item, row: bytes) -> EncodedItem | None:
    """The encoded row of an item that is passed on without outputs of its own, from its canonical row.

    None if the row also contains ordinals or outputs of other items, so that its own cannot be identified.
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
    return _encoded_item(item, (), head + mark, comma + tail)


def _encoded_item(item: Item, outputs: tuple[Output, ...], head: bytes, tail: bytes) -> EncodedItem:
    uri, size = file_of(item)
    return EncodedItem(item.key, item.weight, seconds_of(item), uri, size, outputs, head, tail)
