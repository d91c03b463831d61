"""Finds what of a data set is not as it was committed: records, rows, files and views.

A segment's record names its rows files, and these name the output files, all with digests. The segment's own record has
no digest: its counts are compared with the rows. Views carry their digest in their metadata. Objects that no record
names are passed over.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, islice
from typing import TypeVar

from reelmill.contract.errors import NotFound, StoreDamaged
from reelmill.contract.model import Model
from reelmill.contract.records.layout import INTERNAL
from reelmill.contract.records.segment import Counts, Object, Segment, StageRecord
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.latest_key import LatestKey
from reelmill_stages.records.record_files import load
from reelmill_stages.records.record_names import SETTLED, record_model
from reelmill_stages.runtime.shards.outcomes import read_settled
from reelmill_stages.store.damage import RESTORE, VIEW, address, changed, gone, unreadable

_THREADS = 8
_WINDOW = 256
M = TypeVar("M", bound=Model)

Read = Callable[[Object], tuple[str, int]]
"""Reads an object; returns (digest, size in bytes). Raises NotFound."""


@dataclass(frozen=True, slots=True)
class DamagedObject:
    """The key of an object, and the error that a reader of it would get."""

    key: str
    error: StoreDamaged


def damaged_objects(data: DataSet, read: Read) -> Iterator[DamagedObject]:
    """All damage in a data set. Raises TransientError if the store does not answer."""
    return _Examination(data, read).run()


class _Examination:
    def __init__(self, data: DataSet, read: Read) -> None:
        self._data = data
        self._store = data.store
        self._read = read
        self._found: list[DamagedObject] = []

    def run(self) -> Iterator[DamagedObject]:
        summary = self._load(self._data.names.stage_json, StageRecord)
        last = 0
        for number in count(1):
            key = self._data.paths(number).segment_json
            before = len(self._found)
            segment = self._load(key, Segment)
            if segment is None and len(self._found) == before:
                if number > (summary.segment if summary else 0):
                    break
                self._add(key, gone(self._at(key)))
            last = number
            if segment is not None and segment.state == "committed":
                self._segment(segment)
            yield from self._taken()
        if last:
            self._load(self._data.names.latest, LatestKey)
        known = {self._data.names.stage_json, *(self._data.paths(number).segment_json for number in range(1, last + 1))}
        for root in [self._data.root, *(self._data.paths(number).root for number in range(1, last + 2))]:
            self._records(f"{root}/{INTERNAL}/", known)
            yield from self._taken()
        self._views(summary)
        yield from self._taken()

    def _segment(self, segment: Segment) -> None:
        whole = True
        seen = dict.fromkeys(("done", "filtered", "failed", "skipped"), 0)
        for part in segment.parts:
            damaged = self._objects([rows for rows in (part.items, part.ledger) if rows])
            self._objects(part.outputs if part.items and part.items.key in damaged else self._data.part_files(part))
            if part.ledger and part.ledger.key in damaged:
                whole = False
            else:
                for row in self._data.part_ledger(part):
                    seen[row.outcome.value] += 1
        if segment.list_rows:
            self._objects([segment.list_rows])
        if segment.kind != "listing":
            self._exists(self._data.paths(segment.segment).pass_json)
        key = self._data.paths(segment.segment).segment_json
        # The ledger of a listing has rows of what failed only.
        counted = Counts.model_validate({"in": sum(seen.values()), **seen})
        if whole and segment.kind != "listing" and counted != segment.counts:
            self._add(key, unreadable(self._at(key), f"its counts are {segment.counts}, those of its rows {counted}"))
        if segment.items != sum(part.count for part in segment.parts):
            self._add(key, unreadable(self._at(key), "its number of items is not that of its parts"))

    def _objects(self, objects: Iterable[Object]) -> set[str]:
        """Read objects and compare them; returns the keys of damaged ones."""
        damaged: set[str] = set()
        remaining = iter(objects)
        with ThreadPoolExecutor(_THREADS) as pool:
            while window := list(islice(remaining, _WINDOW)):
                for wanted, error in zip(window, pool.map(self._compare, window), strict=True):
                    if error:
                        damaged.add(wanted.key)
                        self._add(wanted.key, error)
        return damaged

    def _compare(self, wanted: Object, hint: str = RESTORE) -> StoreDamaged | None:
        where = self._at(wanted.key)
        try:
            digest, size = self._read(wanted)
        except NotFound:
            return gone(where, hint)
        if size != wanted.size:
            return changed(where, f"{wanted.size} bytes", f"{size} bytes", hint)
        if wanted.digest and digest != wanted.digest:
            return changed(where, wanted.digest, digest, hint)
        return None

    def _exists(self, key: str) -> None:
        try:
            self._store.stat(key)
        except NotFound:
            self._add(key, gone(self._at(key)))

    def _records(self, folder: str, known: set[str]) -> None:
        """Read everything in a folder that has the name of a record."""
        for stat in self._store.list(folder):
            name = stat.key.removeprefix(f"{self._data.root}/")
            model = record_model(name)
            if model is not None and stat.key not in known:
                self._load(stat.key, model)
            elif SETTLED.fullmatch(name):
                try:
                    for _ in read_settled(self._data.fetch(stat.key), self._at(stat.key)):
                        pass
                except NotFound:
                    continue
                except StoreDamaged as error:
                    self._add(stat.key, error)

    def _views(self, summary: StageRecord | None) -> None:
        for view in summary.views if summary else ():
            key = self._data.names.view(view)
            try:
                stat = self._store.stat(key)
            except NotFound:
                self._add(key, gone(self._at(key), VIEW))
                continue
            if error := self._compare(Object(key=key, size=stat.size, digest=stat.metadata.get("digest", "")), VIEW):
                self._add(key, error)

    def _load(self, key: str, model: type[M]) -> M | None:
        try:
            return load(self._store, key, model)
        except StoreDamaged as error:
            self._add(key, error)
            return None

    def _at(self, key: str) -> str:
        return address(self._store, key)

    def _add(self, key: str, error: StoreDamaged) -> None:
        self._found.append(DamagedObject(key, error))

    def _taken(self) -> list[DamagedObject]:
        found, self._found = self._found, []
        return found
