"""All ways from the sources to the items of a data set, for data sets of millions of items.

Each data set on the way is read once. The links from its items back to their inputs are stored in files on disk, by
ordinal. Memory holds the inputs of one shard.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from reelmill.contract.errors import StoreDamaged
from reelmill.contract.records.forgotten import is_anonymous, is_forgotten
from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill.contract.records.segment import Segment
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.effective_rows import LatestRows
from reelmill_stages.records.lineage.ordinal_file import OrdinalFile
from reelmill_stages.records.lineage.part_lineage import PartLineage
from reelmill_stages.records.lineage.ways import upstream_of
from reelmill_stages.store.damage import unreadable


class ItemStep(msgspec.Struct, array_like=True, frozen=True):
    """An item of a source or stage, or an input that a stage made no item of."""

    entry: int
    """Number of the source or stage."""
    segment: int
    key: str
    row: dict[str, Any] = {}
    """Row of the item; empty for an input without items."""
    inputs: list[tuple[int, list[int]]] | None = None
    """(number of the upstream, ordinals of its items); None: unknown, or an item of a source."""
    outcome: str = Outcome.DONE.value
    reason: str = ""
    message: str = ""


class Way(NamedTuple):
    """The steps from a source to an item, or to the stage that made no item of its input."""

    steps: tuple[ItemStep, ...]
    known: bool
    """Whether the first step is in a source."""


class Ancestry:
    """The ways of a data set that was made from others, without forgotten items. A context manager.

    `data_sets` are those of the sources and stages on the way, in pipeline order, the requested one last; `upstreams`
    maps stage names to the names of their upstreams. `folder` is for temporary files.
    """

    def __init__(self, data_sets: Mapping[str, DataSet], upstreams: Mapping[str, Sequence[str]], folder: Path) -> None:
        self._names = list(data_sets)
        self._data = list(data_sets.values())
        self._upstreams = upstreams
        self._files = [OrdinalFile(folder, str(number)) for number in range(len(self._data))]
        self._open = ExitStack()
        for file in self._files:
            self._open.callback(file.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def ended(self) -> Iterator[Way]:
        """The ways that ended without an item, by data set. Must be called first, because it reads everything."""
        for number, name in enumerate(self._names):
            if name in self._upstreams:
                yield from self._read_stage(number)
            else:
                yield from self._read_source(number)

    def made(self) -> Iterator[tuple[int, Iterator[Way]]]:
        """(ordinal, ways) of each item of the requested data set, in order. The ways are read lazily."""
        last = len(self._names) - 1
        for ordinal in range(len(self._files[last])):
            if self._files[last].get(ordinal):
                yield ordinal, self._ways(last, ordinal)

    def _read_source(self, number: int) -> Iterator[Way]:
        data, file = self._data[number], self._files[number]
        for segment in data.segments():
            for part in segment.parts:
                for item in data.part_items(part):
                    if is_forgotten(item):
                        continue
                    file.add(item.ordinal, _encoded(ItemStep(number, segment.segment, item.key, item.to_json())))
        for row in data.ledger():
            if row.outcome != Outcome.DONE and not is_anonymous(row.key):
                yield Way((_ended_step(number, 0, row),), known=True)

    def _read_stage(self, number: int) -> Iterator[Way]:
        data = self._data[number]
        segments = list(data.segments())
        with LatestRows() as latest:
            if len(segments) > 1:
                for segment in segments:
                    latest.add(segment.segment, data.segment_ledger(segment))
            for segment in segments:
                for shard in range(len(segment.parts)):
                    for row, upstream in self._read_part(number, segment, shard):
                        if len(segments) == 1 or latest.segment(row) == segment.segment:
                            step = _ended_step(number, segment.segment, row)
                            for way in self._ways(upstream, row.ordinal):
                                yield Way((*way.steps, step), way.known)

    def _read_part(self, number: int, segment: Segment, shard: int) -> Iterator[tuple[LedgerRow, int]]:
        """Store the links from the items of a part back to their inputs.

        Yields the inputs without items, with the number of their upstream.
        """
        lineage = PartLineage(self._data[number], segment, shard)
        names = self._upstreams[self._names[number]]
        numbers = {name: self._names.index(name) for name in names}
        ordinals, upstreams = array("q"), array("l")
        for row in lineage.inputs():
            ordinals.append(row.ordinal)
            upstreams.append(self._data_set_number(numbers, upstream_of(row, names), lineage))
        used, known = bytearray(len(ordinals)), True
        for item, inputs in lineage.items():
            groups: dict[int, list[int]] = {}
            for each in inputs or ():
                used[each] = 1
                groups.setdefault(upstreams[each], []).append(ordinals[each])
            if is_forgotten(item):
                continue
            known = known and inputs is not None
            row_inputs = None if inputs is None else list(groups.items())
            step = ItemStep(number, segment.segment, item.key, _located_row(item), row_inputs)
            self._files[number].add(item.ordinal, _encoded(step))
        for place, row in enumerate(lineage.inputs()):
            ended = row.outcome != Outcome.DONE or (known and not used[place])
            if ended and not is_anonymous(row.key):
                yield row, upstreams[place]

    def _data_set_number(self, numbers: Mapping[str, int], name: str, lineage: PartLineage) -> int:
        if name not in numbers:
            where = lineage.part.ledger.key if lineage.part.ledger else ""
            raise unreadable(where, f"it has an input of {name!r}, which is not an upstream of the stage")
        return numbers[name]

    def _ways(self, number: int, ordinal: int) -> Iterator[Way]:
        """The ways to an item."""
        encoded = self._files[number].get(ordinal)
        if not encoded:
            raise self._missing_item(number, ordinal)
        step = _DECODER.decode(encoded)
        if self._names[number] not in self._upstreams:
            yield Way((step,), known=True)
        elif step.inputs is None:
            yield Way((step,), known=False)
        else:
            for upstream, ordinals in step.inputs:
                for each in ordinals:
                    for way in self._ways(upstream, each):
                        yield Way((*way.steps, step), way.known)

    def _missing_item(self, number: int, ordinal: int) -> StoreDamaged:
        data = self._data[number]
        return unreadable(data.uri, f"a later stage has read its item number {ordinal}, which it does not have")


def _encoded(step: ItemStep) -> bytes:
    return _ENCODER.encode(step)


def _located_row(item: Item) -> dict[str, Any]:
    """The row of an item in its way: everything except its own fields.

    Of those, only the ones that locate it in its inputs are kept: times, and numbers of inputs.
    """
    times = {name: item.fields[name] for name in ("start", "end", "first", "last") if name in item.fields}
    row = item.to_json()
    return {**times, "media": row.get("media"), "outputs": row["outputs"], "provenance": row["provenance"]}


def _ended_step(number: int, segment: int, row: LedgerRow) -> ItemStep:
    return ItemStep(number, segment, row.key, {}, None, row.outcome.value, row.reason, row.message)


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(ItemStep)
