"""`reelmill trace`: the way of an item back to its source, and forward to everything made from it.

Items are followed by their ordinals, through the parts that can contain them. The rows of a whole data set are read
only to find the item by its key.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reelmill.contract.commands.lineage_rows import SourceTime, TracedFile, TraceRow, Way
from reelmill.contract.errors import SpecError
from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill.contract.records.segment import Object, Segment
from reelmill.contract.task import SourceDef, StageDef, Task
from reelmill_stages.commands.entry import data_set, entries, store_of
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.lineage.source_time import source_objects, source_time
from reelmill_stages.records.lineage.ways import (
    FoundItem,
    affected_parts,
    made_items,
    source_items,
    upstream_of,
)

Wanted = dict[str, set[int]]
"""Source or stage -> ordinals of the items to follow."""


def rows(task: Task, env: Mapping[str, str], *, item: str, stage: str = "") -> Iterator[TraceRow]:
    """The steps of an item's way, from its sources to the last items made from it.

    `item` is a key in the source or stage `stage`; without `stage`, in the first one that has it. It may also be the
    key of an input that a stage made no item of. Raises SpecError if there is none with that key.
    """
    yield from _Trace(task, env).rows(item, stage)


@dataclass(frozen=True, slots=True)
class _Place:
    """The location of a key: an item by its ordinal, or an input by its row in the ledger."""

    entry: SourceDef | StageDef
    ordinal: int | None = None
    ended: tuple[Segment, LedgerRow] | None = None


class _Trace:
    def __init__(self, task: Task, env: Mapping[str, str]) -> None:
        self._store = store_of(task, env)
        self._entries: dict[str, SourceDef | StageDef] = {entry.name: entry for entry in entries(task)}
        self._data: dict[str, DataSet] = {name: data_set(self._store, one) for name, one in self._entries.items()}
        self._uris: set[str] = set()

    def rows(self, key: str, stage: str) -> Iterator[TraceRow]:
        place = self._find_place(key, stage)
        name = place.entry.name
        if place.ordinal is not None:
            wanted: Wanted = {name: {place.ordinal}}
            back = self._items_with_ancestors(wanted)
            yield from (self._item(entry, found, "origin") for entry, found in back if entry.name != name)
            yield from (self._item(entry, found, "item") for entry, found in back if entry.name == name)
            yield from self._rows_downstream(wanted)
            return
        assert place.ended is not None
        segment, row = place.ended
        if isinstance(place.entry, StageDef):
            back = self._items_with_ancestors({upstream_of(row, _upstreams(place.entry)): {row.ordinal}})
            yield from (self._item(entry, found, "origin") for entry, found in back)
        yield self._outcome_row(place.entry, segment, row, "item")

    def _find_place(self, key: str, stage: str) -> _Place:
        chosen = [self._entries[stage]] if stage else list(self._entries.values())
        for entry in chosen:
            for one in self._data[entry.name].items():
                if one.key == key:
                    return _Place(entry, ordinal=one.ordinal)
        for entry in chosen:
            data = self._data[entry.name]
            found = None
            for segment in data.segments():
                found = next(((segment, row) for row in data.segment_ledger(segment) if row.key == key), found)
            if found:
                return _Place(entry, ended=found)
        names = stage or "the pipeline"
        raise SpecError(
            f"{names} has no item and no input {key!r}",
            where=self._store.uri,
            hint="list keys with: reelmill ledger PIPELINE --item 'PATTERN*'",
        )

    def _items_with_ancestors(self, wanted: Mapping[str, set[int]]) -> list[tuple[SourceDef | StageDef, FoundItem]]:
        """These items and everything that they were made from, sources first."""
        needed: Wanted = defaultdict(set, {name: set(ordinals) for name, ordinals in wanted.items()})
        found: list[tuple[SourceDef | StageDef, FoundItem]] = []
        for entry in reversed(self._entries.values()):
            ordinals = needed[entry.name]
            if not ordinals:
                continue
            if isinstance(entry, SourceDef):
                here = list(source_items(self._data[entry.name], ordinals))
                self._uris |= {media.uri for one in here for media in source_objects(one.item)}
            else:
                here = list(made_items(self._data[entry.name], ordinals))
                for row in (row for one in here for row in one.inputs or ()):
                    needed[upstream_of(row, _upstreams(entry))].add(row.ordinal)
            found = [*((entry, one) for one in here), *found]
        return found

    def _rows_downstream(self, wanted: Wanted) -> Iterator[TraceRow]:
        """Everything made from these items, stage by stage."""
        for entry in self._entries.values():
            if isinstance(entry, StageDef) and any(name in wanted for name in _upstreams(entry)):
                yield from self._results(entry, wanted)

    def _results(self, entry: StageDef, wanted: Wanted) -> Iterator[TraceRow]:
        """The items and files that a stage made from the wanted ones, and inputs without items.

        The items are added to `wanted`.
        """
        data = self._data[entry.name]
        ended: dict[str, tuple[Segment, LedgerRow, bool]] = {}
        for segment, lineage, given in affected_parts(data, _upstreams(entry), wanted):
            used: set[int] = set()
            known = True
            for one, inputs in lineage.items():
                if inputs is None:
                    known = False
                elif not given.keys().isdisjoint(inputs):
                    used.update(inputs)
                    wanted.setdefault(entry.name, set()).add(one.ordinal)
                    of = tuple(given[number] for number in inputs if number in given)
                    yield self._item(entry, FoundItem(segment, one, of), "result")
            for file, inputs in lineage.files():
                if inputs is not None and not given.keys().isdisjoint(inputs):
                    yield self._file(entry, segment, file)
            for number, row in given.items():
                if number not in used or row.outcome != Outcome.DONE:
                    ended[row.key] = segment, row, known
                else:
                    ended.pop(row.key, None)
        for segment, row, known in ended.values():
            yield self._outcome_row(entry, segment, row, "result", known=known or row.outcome != Outcome.DONE)

    def _item(self, entry: SourceDef | StageDef, found: FoundItem, way: Way) -> TraceRow:
        item = found.item
        return self._row(
            entry,
            found.segment,
            way,
            item.key,
            known=found.inputs is not None or isinstance(entry, SourceDef),
            media=item.media.to_json() if item.media else None,
            time=self._time(item),
            files=tuple(_file(output) for output in item.outputs),
            views=self._views(entry),
            provenance=dict(item.provenance),
        )

    def _time(self, item: Item) -> SourceTime | None:
        return next(filter(None, (source_time(item.provenance, uri) for uri in sorted(self._uris))), None)

    def _outcome_row(
        self, entry: SourceDef | StageDef, segment: Segment, row: LedgerRow, way: Way, *, known: bool = True
    ) -> TraceRow:
        outcome_values = {"outcome": row.outcome.value, "reason": row.reason, "message": row.message}
        return self._row(entry, segment, way, row.key, known=known, **outcome_values)

    def _file(self, entry: StageDef, segment: Segment, file: Object) -> TraceRow:
        return self._row(entry, segment, "result", "", files=(_file(file),))

    def _row(self, entry: SourceDef | StageDef, segment: Segment, way: Way, key: str, **more: Any) -> TraceRow:
        return TraceRow(
            way=way,
            stage=entry.name,
            stage_key=entry.key,
            segment=segment.segment,
            item=key,
            **{"outcome": Outcome.DONE.value, **more},
            versions=segment.versions,
        )

    def _views(self, entry: SourceDef | StageDef) -> tuple[str, ...]:
        data = self._data[entry.name]
        record = data.record() if isinstance(entry, StageDef) else None
        return tuple(data.names.view(name) for name in record.views) if record else ()


def _upstreams(stage: StageDef) -> Sequence[str]:
    return [upstream.name for upstream in stage.upstreams]


def _file(file: Any) -> TracedFile:
    return TracedFile(key=file.key, size=file.size, digest=file.digest)
