"""The row of an item, encoded once: outcomes, checkpoints and rows files hold it with another ordinal each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reelmill.contract.digest import canonical
from reelmill.contract.records.quick_init import quick_init
from reelmill.contract.records.rows import Item, Output, sent_by_fields
from reelmill_stages.records.rows.canonical_row import canonical_item, canonical_row
from reelmill_stages.records.rows.item_values import file_of, seconds_of

_ORDINAL = "ordinal"
_NO_OUTPUTS = b'"outputs":[]'
_MARK = -7_270_894_619_053_824
"""Stands for the ordinal while a row is encoded."""
_MARKED = b"%d" % _MARK


@sent_by_fields
@quick_init
@dataclass(frozen=True, slots=True)
class EncodedItem:
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
    head, tail = _split(item, row)
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


def _split(item: Item, row: Mapping[str, Any] | None) -> tuple[bytes, bytes]:
    """The two parts of an item's row around its ordinal. Raises as `encoded`."""
    data = canonical_item(item, _MARK) if row is None else canonical_row({**row, _ORDINAL: _MARK})
    head, mark, tail = data.partition(_MARKED)
    if mark in tail:  # a field has the same number: encode what comes before and after the ordinal apart
        row = item.to_json() if row is None else row
        head = canonical({name: value for name, value in row.items() if name < _ORDINAL})
        tail = canonical({name: value for name, value in row.items() if name > _ORDINAL})
        return b'%b,"ordinal":' % head[:-1], b",%b" % tail[1:]
    return head, tail
