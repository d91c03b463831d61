"""Read access to a committed data set, through its closed segments.

Objects are never found by listing: only those that a closed segment refers to belong to the data set.
"""

import secrets
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from reelmill.contract.errors import SpecError
from reelmill.contract.records import layout
from reelmill.contract.records.forgotten import is_forgotten
from reelmill.contract.records.frozen import Frozen, FrozenDataSet, check_name
from reelmill.contract.records.layout import DataSetPaths, SegmentPaths
from reelmill.contract.records.rows import Item, LedgerRow, ListRows
from reelmill.contract.records.segment import Counts, Object, Part, Segment, StageRecord
from reelmill_stages.records.effective_rows import LatestRows
from reelmill_stages.records.latest_key import POINTS_NOWHERE, LatestKey, points_somewhere
from reelmill_stages.records.record_files import load
from reelmill_stages.records.row_files import read_rows
from reelmill_stages.records.rows.item_lines import item_reader
from reelmill_stages.records.rows.line_readers import ledger_row, of_objects
from reelmill_stages.store import Store
from reelmill_stages.store.damage import WRITTEN_AGAIN, address, changed, gone, unreadable
from reelmill_stages.store.digests import file_digest


def open_data_set(store: Store, name: str, key: str = "", *, scratch: Path | None = None) -> "DataSet":
    """Open the data set of a source or stage; without `key`, the one that `latest.json` refers to.

    `name@state` opens the state that `reelmill freeze` saved under that name. `scratch` is a folder for temporary
    files; by default one is created and removed with the data set. Raises SpecError if there is no data set or state of
    that name, and StoreDamaged if the data set that `latest.json` points at does not exist.
    """
    name, _, state = name.partition("@")
    if state:
        frozen = frozen_state(store, state, name)
        return DataSet(store, DataSetPaths(name, frozen.key), scratch=scratch, until=frozen.segment)
    if not key:
        latest = load(store, DataSetPaths(name, "").latest, LatestKey)
        if latest is None:
            raise SpecError(
                f"the store has no data set {name!r}", where=store.uri, hint="list the folders in the root of the store"
            )
        if not points_somewhere(store, name, latest):
            signpost = address(store, DataSetPaths(name, "").latest)
            raise unreadable(signpost, POINTS_NOWHERE, WRITTEN_AGAIN)
        key = latest.key
    return DataSet(store, DataSetPaths(name, key), scratch=scratch)


def frozen_state(store: Store, state: str, name: str) -> FrozenDataSet:
    """The frozen state of a data set, by the name of the state. Raises SpecError if there is none."""
    record = load(store, layout.frozen(check_name(state)), Frozen)
    if record is None:
        raise SpecError(
            f"there is no frozen state {state!r}",
            where=store.uri,
            hint="`reelmill freeze PIPELINE` lists the frozen states of a store",
        )
    return record.data_set(name, store.uri)


class DataSet:
    """A data set, as `open_data_set` returns it; implements `stage.DataSetReader`.

    The last segment is determined once. Open the data set again to see later ones.
    """

    def __init__(
        self,
        store: Store,
        names: DataSetPaths,
        *,
        scratch: Path | None = None,
        until: int | None = None,
        sources: Mapping[str, str] | None = None,
    ) -> None:
        """With `until`, later segments are ignored. `sources` maps the sources of a stage to their keys."""
        self.store = store
        self.names = names
        self._scratch = scratch
        self._until = until
        self._sources = sources or {}
        self._last: Segment | None = None
        self._looked = False

    @property
    def name(self) -> str:
        """Name of the source or stage."""
        return self.names.name

    @property
    def root(self) -> str:
        """Key of the data set's root in the store: `<name>/<stage key>`."""
        return self.names.root

    @property
    def uri(self) -> str:
        """Address of the root."""
        return address(self.store, self.root)

    @property
    def scratch(self) -> Path:
        """The folder for temporary files."""
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="reelmill-data-"))
            weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        return self._scratch

    @property
    def last(self) -> Segment | None:
        """The last closed segment, possibly abandoned, with the totals, coverage and ordinals up to it."""
        if not self._looked:
            self._last = self._find_last()
            self._looked = True
        return self._last

    @property
    def totals(self) -> Counts:
        """Effective number of inputs and of each outcome, over all segments."""
        return self.last.totals if self.last else Counts()

    @property
    def coverage(self) -> dict[str, int]:
        """Upstream name -> last segment covered."""
        return dict(self.last.coverage) if self.last else {}

    @property
    def item_count(self) -> int:
        """Number of items ever committed; all ordinals are smaller."""
        return self.last.next_ordinal if self.last else 0

    @property
    def weight(self) -> float:
        """Weight of all items, from `stage.json` and the segments after it."""
        record, last = self.record(), self.last.segment if self.last else 0
        known = record if record and record.segment <= last else None
        later = sum(segment.weight for segment in self.segments(after=known.segment if known else 0))
        return later + (known.weight if known else 0.0)

    def record(self) -> StageRecord | None:
        """The summary `stage.json`, which may be older than the last segment."""
        return load(self.store, self.names.stage_json, StageRecord)

    def segments(self, *, after: int = 0) -> Iterator[Segment]:
        """Committed segments with a number greater than `after`, in order."""
        last = self.last.segment if self.last else 0
        for number in range(after + 1, last + 1):
            segment = self.last if number == last else self._segment(number)
            if segment is not None and segment.state == "committed":
                yield segment

    def segments_backwards(self) -> Iterator[Segment]:
        """Committed segments in reverse order."""
        for number in range(self.last.segment if self.last else 0, 0, -1):
            segment = self.last if self.last and number == self.last.segment else self._segment(number)
            if segment is not None and segment.state == "committed":
                yield segment

    def items(self, *, after: int = 0) -> Iterator[Item]:
        """Items of segments with a number greater than `after`, in order of their ordinals, without anonymous items."""
        for segment in self.segments(after=after):
            for part in segment.parts:
                yield from (item for item in self.part_items(part) if not is_forgotten(item))

    def part_items(self, part: Part) -> Iterator[Item]:
        """The items of one part, including anonymous ones, with their ordinals in the data set."""
        if part.items is None:
            return
        read = item_reader(part.first_ordinal)
        yield from read_rows(self.store, part.items.key, part.items.digest, self.scratch, read)

    def list_rows(self) -> Iterator[ListRows]:
        """The rows of its sources' lists with the files that they refer to, as of the listings that it covers."""
        for name, key in self._sources.items():
            source = DataSet(self.store, DataSetPaths(name, key), scratch=self.scratch, until=self.coverage.get(name))
            rows = source.last.list_rows if source.last else None
            if rows is not None:
                yield from read_rows(
                    self.store, rows.key, rows.digest, self.scratch, of_objects(partial(ListRows.from_json, name))
                )

    def ledger(self) -> Iterator[LedgerRow]:
        """The effective ledger: the latest row of each input, segment by segment."""
        segments = list(self.segments())
        if len(segments) < 2:
            yield from self.raw_ledger()
            return
        with LatestRows() as latest:
            for segment in segments:
                latest.add(segment.segment, self.segment_ledger(segment))
            for segment in segments:
                for row in self.segment_ledger(segment):
                    if latest.segment(row) == segment.segment:
                        yield row

    def raw_ledger(self) -> Iterator[LedgerRow]:
        """All ledger rows, including those that later segments replaced, in order of their commit."""
        for segment in self.segments():
            yield from self.segment_ledger(segment)

    def segment_ledger(self, segment: Segment) -> Iterator[LedgerRow]:
        """The ledger rows of one segment."""
        for part in segment.parts:
            yield from self.part_ledger(part)

    def part_ledger(self, part: Part) -> Iterator[LedgerRow]:
        """The ledger rows of one part."""
        if part.ledger is not None:
            yield from read_rows(self.store, part.ledger.key, part.ledger.digest, self.scratch, ledger_row)

    def part_files(self, part: Part) -> Iterator[Object]:
        """The output files of one part, each once."""
        spanning = {output.key for output in part.outputs}
        yield from part.outputs
        for item in self.part_items(part):
            for output in item.outputs:
                if output.key not in spanning:
                    yield Object(key=output.key, size=output.size, digest=output.digest)

    def files(self) -> Iterator[Object]:
        """All committed output files, segment by segment.

        A file that several items share is returned once for each part that refers to it.
        """
        for segment in self.segments():
            for part in segment.parts:
                yield from self.part_files(part)

    def records(self) -> Iterator[str]:
        """Keys of all internal records of committed segments."""
        last = self.last.segment if self.last else 0
        for number in range(1, last + 1):
            yield self.paths(number).segment_json
        for segment in self.segments():
            if segment.list_rows:
                yield segment.list_rows.key
            if segment.kept:
                yield self.paths(segment.segment).verdicts_json
                yield from (file.key for file in segment.kept.files)
            for part in segment.parts:
                yield from (file.key for file in (part.items, part.ledger, part.lineage) if file is not None)

    def paths(self, number: int) -> SegmentPaths:
        """Keys of the records of a segment."""
        return self.names.segment(number)

    def fetch(self, key: str, digest: str = "") -> Path:
        """Download a file of the data set to a local file, which must not be modified.

        `digest` (`sha256:<hex>`) is the expected content. Raises NotFound, and StoreDamaged if the content differs.
        """
        path = self.store.fetch(key, self.scratch / f"file-{secrets.token_hex(8)}")
        if digest and (found := file_digest(path)) != digest:
            raise changed(address(self.store, key), digest, found)
        return path

    def _find_last(self) -> Segment | None:
        # stage.json is written after the segments that it includes, so the search can start there.
        record = self.record()
        number = record.segment if record and (self._until is None or record.segment <= self._until) else 0
        found = self._segment(number) if number else None
        if number and found is None:
            raise gone(address(self.store, self.paths(number).segment_json))
        while (self._until is None or number < self._until) and (following := self._segment(number + 1)):
            found, number = following, number + 1
        return found

    def _segment(self, number: int) -> Segment | None:
        return load(self.store, self.paths(number).segment_json, Segment)
