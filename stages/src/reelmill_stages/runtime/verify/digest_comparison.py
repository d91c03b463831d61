"""Detection of damage in a data set: records, rows, files and views that differ from what was committed.

A segment's record names its rows files, and these name the output files, all with digests. The segment's own record has
no digest: its counts and totals are compared with the rows. Views carry their digest in their metadata. Records and
rows are always read; see `Reading` for outputs and views. Objects that no record names are ignored.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count, islice
from typing import TypeVar

from reelmill.contract.errors import NotFound, StoreDamaged, TransientError
from reelmill.contract.model import Model
from reelmill.contract.records.layout import INTERNAL
from reelmill.contract.records.rows import LedgerRow
from reelmill.contract.records.segment import Counts, Object, Part, Segment, StageRecord
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.latest_key import POINTS_NOWHERE, LatestKey, points_somewhere
from reelmill_stages.records.record_files import load, refuse_changed, remedy
from reelmill_stages.records.record_names import SETTLED, record_model
from reelmill_stages.records.row_files import rows_file
from reelmill_stages.runtime.shards.outcomes import read_settled
from reelmill_stages.runtime.verify.damaged_object import DamagedObject
from reelmill_stages.runtime.verify.digest_reader import Reading
from reelmill_stages.runtime.verify.open_pass import open_pass_damage, promised_outputs
from reelmill_stages.runtime.verify.pass_records import PassRecords
from reelmill_stages.runtime.verify.progress import VerificationProgress
from reelmill_stages.runtime.verify.recount import Recount
from reelmill_stages.store import Stat
from reelmill_stages.store.damage import (
    RESTORE,
    VIEW,
    WRITTEN_AGAIN,
    address,
    changed,
    gone,
    noted_digest,
    unreadable,
    view_digest,
)

_THREADS = 8
_WINDOW = 256
M = TypeVar("M", bound=Model)


def damaged_objects(data: DataSet, reading: Reading, progress: VerificationProgress) -> Iterator[DamagedObject]:
    """All damage in a data set, once for each object. Of parts that `progress` has, only the ledgers are read.

    Raises TransientError if the store does not answer, and Interrupted when `reading` is stopped.
    """
    reported: set[str] = set()
    with Recount() as recount:
        for found in _Examination(data, reading, progress, recount).run():
            if found.key not in reported:
                reported.add(found.key)
                yield found


class _Examination:
    def __init__(self, data: DataSet, reading: Reading, progress: VerificationProgress, recount: Recount) -> None:
        self._data = data
        self._store = data.store
        self._reading = reading
        self._progress = progress
        self._recount = recount
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
                self._add(key, gone(self._where(key)))
            last = number
            if segment is not None and segment.state == "committed":
                self._check_segment(segment)
            self._recount.set_last_segment(segment)
            yield from self._take_found()
        if last:
            self._check_totals(last)
            self._check_summaries(summary)
        known = {self._data.names.stage_json, *(self._data.paths(number).segment_json for number in range(1, last + 1))}
        for root in [self._data.root, *(self._data.paths(number).root for number in range(1, last + 2))]:
            self._check_records(f"{root}/{INTERNAL}/", known)
            yield from self._take_found()
        yield from open_pass_damage(self._data, last + 1)
        self._check_objects(promised_outputs(self._data, last + 1))
        self._check_views(summary)
        yield from self._take_found()

    def _check_segment(self, segment: Segment) -> None:
        whole = True
        seen = dict.fromkeys(("done", "filtered", "failed", "skipped"), 0)
        records = None if segment.kind == "listing" else PassRecords(self._data, segment, self._reading)
        for number, part in enumerate(segment.parts):
            before = len(self._found)
            self._count(segment, part, seen)
            whole &= len(self._found) == before
            if self._progress.has(self._data.root, segment.segment, number):
                continue
            objects = self._check_objects(self._outputs(part))
            if records:
                self._found += records.shard(number)
                objects += self._check_objects(records.objects(number))
            if len(self._found) == before:
                self._progress.note(self._data.root, segment.segment, number, objects + bool(part.items))
        if segment.list_rows:
            self._check_objects([segment.list_rows])
        if segment.kept:
            self._check_exists(self._data.paths(segment.segment).verdicts_json)
            self._check_objects(segment.kept.files)
        if records:
            self._check_exists(self._data.paths(segment.segment).pass_json)
            self._found += records.inputs()
        key = self._data.paths(segment.segment).segment_json
        # The ledger of a listing has rows of failed entries only.
        counted = Counts.model_validate({"in": sum(seen.values()), **seen})
        if whole and segment.kind != "listing" and counted != segment.counts:
            what = f"its counts are {segment.counts}, those of its rows {counted}"
            self._add(key, unreadable(self._where(key), what))
        if segment.items != sum(part.count for part in segment.parts):
            self._add(key, unreadable(self._where(key), "its number of items is not that of its parts"))

    def _outputs(self, part: Part) -> Iterator[Object]:
        """The output files of a part, if its rows can be read."""
        if part.lineage:
            yield part.lineage
        if part.items is None:
            yield from part.outputs
            return
        try:
            yield from self._data.part_files(part)
        except (StoreDamaged, TransientError) as error:
            self._add(part.items.key, self._damage_of(part.items.key, error))
        self._reading.count_rows(part.items)

    def _check_totals(self, last: int) -> None:
        """Compare the totals of the last segment with the effective rows of all segments."""
        key = self._data.paths(last).segment_json
        if difference := self._recount.difference():
            self._add(key, unreadable(self._where(key), difference))

    def _count(self, segment: Segment, part: Part, seen: dict[str, int]) -> None:
        """Add the ledger rows of a part to the counts in `seen`."""

        def rows() -> Iterator[LedgerRow]:
            for row in self._data.part_ledger(part):
                seen[row.outcome.value] += 1
                yield row

        if part.ledger is None:
            return
        try:
            self._recount.add(segment, rows())
        except (StoreDamaged, TransientError) as error:
            self._add(part.ledger.key, self._damage_of(part.ledger.key, error))
        self._reading.count_rows(part.ledger)

    def _check_objects(self, objects: Iterable[Object]) -> int:
        """Compare objects with their digests; returns their number."""
        remaining, number = iter(objects), 0
        with ThreadPoolExecutor(_THREADS) as pool:
            try:
                while window := list(islice(remaining, _WINDOW)):
                    number += len(window)
                    for wanted, error in zip(window, pool.map(self._compare, window), strict=True):
                        if error:
                            self._add(wanted.key, error)
            except BaseException:
                self._reading.stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return number

    def _compare(self, wanted: Object, hint: str = RESTORE) -> StoreDamaged | None:
        where = self._where(wanted.key)
        try:
            digest, size = self._reading.digest(wanted)
        except NotFound as error:
            return gone(where, hint) if error.what.startswith("no such") else unreadable(where, error.what, hint)
        except TransientError as error:
            return self._damage_of(wanted.key, error, hint)
        if size != wanted.size:
            return changed(where, f"{wanted.size} bytes", f"{size} bytes", hint)
        if wanted.digest and digest != wanted.digest:
            return changed(where, wanted.digest, digest, hint)
        return None

    def _damage_of(self, key: str, error: StoreDamaged | TransientError, hint: str = RESTORE) -> StoreDamaged:
        """The damage that an error indicates.

        An object that cannot be read while the store answers is damaged, as on a failing disk. Raises the error if it
        is not about the object.
        """
        if isinstance(error, StoreDamaged):
            return error
        if type(error) is not TransientError:
            raise error
        with suppress(NotFound):
            self._store.stat(self._data.names.stage_json)
        return unreadable(self._where(key), f"this cannot be read, although the store answers: {error.what}", hint)

    def _check_exists(self, key: str) -> None:
        try:
            self._store.stat(key)
        except NotFound:
            self._add(key, gone(self._where(key)))

    def _check_records(self, folder: str, known: set[str]) -> None:
        """Read everything in a folder that has the name of a record."""
        for stat in self._store.list(folder):
            name = stat.key.removeprefix(f"{self._data.root}/")
            model = record_model(name)
            if model is not None and stat.key not in known:
                self._load(stat.key, model)
            elif SETTLED.fullmatch(name):
                try:
                    with rows_file(self._store, stat.key, "", self._data.scratch) as path:
                        self._reading.count_bytes(stat.size)
                        for _ in read_settled(path, self._where(stat.key), below=folder.removesuffix(f"{INTERNAL}/")):
                            pass
                    refuse_changed(self._store, stat.key, RESTORE)
                except NotFound:
                    continue
                except StoreDamaged as error:
                    self._add(stat.key, error)

    def _check_summaries(self, summary: StageRecord | None) -> None:
        """Check `stage.json` and `latest.json`, which a data set with segments has."""
        key = self._data.names.stage_json
        try:
            if summary and (error := self._compare(_recorded_object(self._store.stat(key)), WRITTEN_AGAIN)):
                self._add(key, error)
            self._store.stat(key)
        except NotFound:
            self._add(key, gone(self._where(key), WRITTEN_AGAIN))
        latest = self._data.names.latest
        before = len(self._found)
        signpost = self._load(latest, LatestKey)
        if signpost is None and len(self._found) == before:
            self._add(latest, gone(self._where(latest), WRITTEN_AGAIN))
        if signpost and not points_somewhere(self._store, self._data.name, signpost):
            self._add(latest, unreadable(self._where(latest), POINTS_NOWHERE, WRITTEN_AGAIN))

    def _check_views(self, summary: StageRecord | None) -> None:
        for view in summary.views if summary else ():
            key = self._data.names.view(view)
            try:
                stat = self._store.stat(key)
            except NotFound:
                self._add(key, gone(self._where(key), VIEW))
                continue
            try:
                wanted = Object(key=key, size=stat.size, digest=view_digest(self._store, stat))
            except StoreDamaged as error:
                self._add(key, error)
                continue
            if found := self._compare(wanted, VIEW) or self._stale_view(stat, summary):
                self._add(key, found)

    def _stale_view(self, view: Stat, summary: StageRecord | None) -> StoreDamaged | None:
        """The damage of a view of an earlier segment; None if the summary shows that views are still to be made."""
        segment = view.metadata.get("segment", "")
        if not summary or not summary.view or not segment.isdecimal() or int(segment) >= summary.segment:
            return None
        what = f"this is the view of segment {segment}, and stage.json says that it is that of {summary.segment}"
        return unreadable(self._where(view.key), what, VIEW)

    def _load(self, key: str, model: type[M]) -> M | None:
        try:
            record = load(self._store, key, model)
            if record is not None:
                refuse_changed(self._store, key, remedy(model))
        except StoreDamaged as error:
            self._add(key, error)
            return None
        return record

    def _where(self, key: str) -> str:
        return address(self._store, key)

    def _add(self, key: str, error: StoreDamaged) -> None:
        self._found.append(DamagedObject(key, error))

    def _take_found(self) -> list[DamagedObject]:
        found, self._found = self._found, []
        return found


def _recorded_object(stat: Stat) -> Object:
    """An object as it was written, from its stored attributes."""
    return Object(key=stat.key, size=stat.size, digest=noted_digest(stat))
