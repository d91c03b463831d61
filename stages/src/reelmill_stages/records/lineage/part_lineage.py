"""The inputs that the items and files of one part of a segment were made from.

A part is a shard. The result of each input is in the frozen outcomes and, if the shard was closed as lost, in its
checkpoints. The inputs of assembled output are in the lineage file that the commit names. Earlier versions wrote no
such file: their assembled output is traced by the keys of the items, or by the numbers of inputs in them, and is
otherwise unknown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reelmill.contract.errors import NotFound
from reelmill.contract.records.forgotten import is_forgotten
from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill.contract.records.segment import Object, Part, Pass, Segment
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.lineage.assembled_from import AssembledFrom
from reelmill_stages.records.record_files import load
from reelmill_stages.records.row_files import read_rows
from reelmill_stages.records.rows.line_readers import of_objects
from reelmill_stages.store.damage import address, unreadable

Inputs = Sequence[int] | None
"""Rows of the part's ledger, from 0; None: unknown."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """An input, and the keys of the items that `process` made from it."""

    key: str
    items: tuple[str, ...]

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "_Ended":
        try:
            return cls(row["key"], tuple([item["key"] for item in row["items"]]))
        except (KeyError, TypeError) as error:
            raise ValueError("not the outcome of an input") from error


class PartLineage:
    """Part number `shard` (from 0) of a segment of the data set of a stage."""

    def __init__(self, data: DataSet, segment: Segment, shard: int) -> None:
        self._data = data
        self._segment = segment
        self.shard = shard
        """Its number, from 0."""
        self._paths = data.paths(segment.segment)
        self.part: Part = segment.parts[shard]
        """The part."""

    def inputs(self) -> Iterator[LedgerRow]:
        """Its inputs in order, with their outcomes in this pass."""
        return self._data.part_ledger(self.part)

    def items(self) -> Iterator[tuple[Item, Inputs]]:
        """Its items in order, with the inputs of each; an anonymous item may have none.

        Raises StoreDamaged if records contradict each other.
        """
        items = self._data.part_items(self.part)
        for number, key in self._rows_of_made_items():
            made = next(items, None)
            while made is not None and made.key != key and is_forgotten(made):
                yield made, ()
                made = next(items, None)
            if made is None or made.key != key:
                raise self._mismatch(f"the item {key!r} is in them, but not in the shard")
            yield made, (number,)
        yield from self._assembled(items)

    def files(self) -> Iterator[tuple[Object, Inputs]]:
        """Files assembled from several inputs, with the inputs of each."""
        made = {one.file: one.inputs for one in self._lineage() if one.file}
        for output in self.part.outputs:
            if self.part.lineage is None:
                yield output, None
            elif output.key in made:
                yield output, made[output.key]

    def _rows_of_made_items(self) -> Iterator[tuple[int, str]]:
        """(row of the ledger, key) of each item that `process` made."""
        ended = self._ended()
        for number, row in enumerate(self.inputs()):
            one = next(ended, None)
            if one is None or one.key != row.key:
                raise self._mismatch(f"they do not have the outcome of {row.key!r}")
            if row.outcome == Outcome.DONE:  # not filtered by a verdict
                yield from ((number, key) for key in one.items)

    def _assembled(self, items: Iterator[Item]) -> Iterator[tuple[Item, Inputs]]:
        """The remaining items, which are those of assembled files."""
        if self.part.lineage is None:
            for item in items:
                yield item, self._guessed_inputs(item)
            return
        of_file: Sequence[int] = ()
        for one in self._lineage():
            if one.file:
                of_file = one.inputs
                continue
            made = next(items, None)
            if made is None or made.key != one.item:
                raise unreadable(
                    address(self._data.store, self.part.lineage.key),
                    f"it has the item {one.item!r}, which the shard does not have",
                )
            yield made, one.inputs or of_file

    def _lineage(self) -> Iterator[AssembledFrom]:
        if found := self.part.lineage:
            yield from read_rows(
                self._data.store, found.key, found.digest, self._data.scratch, of_objects(AssembledFrom.from_json)
            )

    def _guessed_inputs(self, item: Item) -> Inputs:
        """The inputs of an item written by an earlier version, or None."""
        if (found := self._rows_by_key.get(item.key)) is not None:
            return (found,)
        first, last = item.fields.get("first"), item.fields.get("last")
        if type(first) is not int or type(last) is not int or self._first_number is None:
            return None
        end = len(self._rows_by_key)
        inside = range(first - self._first_number, last + 1 - self._first_number)
        return inside if inside and inside.start >= 0 and inside.stop <= end else None

    @cached_property
    def _rows_by_key(self) -> dict[str, int]:
        return {row.key: number for number, row in enumerate(self.inputs())}

    @cached_property
    def _first_number(self) -> int | None:
        """Number of the part's first input (`Input.number`) of a stage with `assemble`."""
        opened = load(self._data.store, self._paths.pass_json, Pass)
        if opened is None:
            return None
        return opened.first_ordinal + sum(plan.count for plan in opened.shards[: self.shard])

    def _ended(self) -> Iterator[_Ended]:
        """The result of each input. An input without a record has no items here."""
        try:
            self._data.store.stat(self._outcomes)
        except NotFound:
            known = self._checkpoints()
            return (known.get(row.key, _Ended(row.key, ())) for row in self.inputs())
        return read_rows(self._data.store, self._outcomes, "", self._data.scratch, of_objects(_Ended.from_json))

    def _checkpoints(self) -> dict[str, _Ended]:
        """Inputs from the checkpoints of a lost shard.

        Of several rows with the same key, the first with items counts, as when the shard was closed.
        """
        known: dict[str, _Ended] = {}
        keys = (stat.key for stat in self._data.store.list(self._paths.checkpoints(self.shard)))
        for key in filter(self._paths.is_checkpoint, keys):
            for one in read_rows(self._data.store, key, "", self._data.scratch, of_objects(_Ended.from_json)):
                if one.key not in known or (one.items and not known[one.key].items):
                    known[one.key] = one
        return known

    @property
    def _outcomes(self) -> str:
        return self._paths.outcomes(self.shard)

    def _mismatch(self, what: str) -> Exception:
        return unreadable(address(self._data.store, self._outcomes), f"the outcomes do not fit the shard: {what}")
