"""Detection of damage in the records of a closed pass that its segment does not name.

These are the inputs of a retry, which the plan names; the commits of shards, with the signatures that they name; the
verdicts; and frozen outcomes, which no record names. A committed shard has outcomes. A shard that was closed as lost
has no commit, and may have none.
"""

from collections.abc import Iterator
from contextlib import suppress

from reelmill.contract.errors import NotFound, StoreDamaged
from reelmill.contract.records.layout import INTERNAL
from reelmill.contract.records.segment import Object, Pass, Segment, ShardCommit, Verdicts
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.record_files import load, refuse_changed
from reelmill_stages.records.row_files import rows_file
from reelmill_stages.runtime.shards.outcomes import read_settled
from reelmill_stages.runtime.verify.damaged_object import DamagedObject
from reelmill_stages.runtime.verify.digest_reader import Reading
from reelmill_stages.runtime.verify.outcome_rows import difference
from reelmill_stages.runtime.verify.presence import is_there
from reelmill_stages.store.damage import RESTORE, address, gone, unreadable

_OUTCOMES = (
    "restore it from a backup, or rebuild the data set with a new `rerun` of the stage: `trace`, `lineage`, "
    "`repair` and `forget` need it to find what was made from an item"
)
_COMMIT = "restore it from a backup: no reader of the closed segment needs it, and `forget` does"


class PassRecords:
    """The records of one closed pass of a stage."""

    def __init__(self, data: DataSet, segment: Segment, reading: Reading) -> None:
        self._data = data
        self._store = data.store
        self._segment = segment
        self._reading = reading
        self._paths = data.paths(segment.segment)
        self._verdicts: Verdicts | None = None
        if segment.kept:
            with suppress(StoreDamaged):
                self._verdicts = load(self._store, self._paths.verdicts_json, Verdicts)

    def inputs(self) -> Iterator[DamagedObject]:
        """Damage in the rows that the open step of a retry wrote."""
        try:
            opened = load(self._store, self._paths.pass_json, Pass)
        except StoreDamaged:
            return
        own = f"{self._paths.root}/{INTERNAL}/"
        pieces = [piece for shard in opened.shards for piece in shard.slices] if opened else []
        for key, digest in {piece.rows: piece.digest for piece in pieces if piece.rows.startswith(own)}.items():
            try:
                with rows_file(self._store, key, digest, self._data.scratch) as path:
                    self._reading.count_bytes(path.stat().st_size)
            except StoreDamaged as error:
                yield DamagedObject(key, error)

    def shard(self, number: int) -> Iterator[DamagedObject]:
        """Damage in the commit and the outcomes of a shard."""
        key = self._paths.shard(number)
        try:
            committed = load(self._store, key, ShardCommit) is not None
        except StoreDamaged:  # reported with the other records
            committed = True
        outcomes = self._paths.outcomes(number)
        frozen = is_there(self._store, outcomes)
        if not committed and not self._is_lost(number):
            yield DamagedObject(key, gone(address(self._store, key), _COMMIT))
            committed = True
        if committed and not frozen:
            yield DamagedObject(outcomes, gone(address(self._store, outcomes), _OUTCOMES))
        if frozen and (error := self._outcomes_error(number, outcomes)):
            yield DamagedObject(outcomes, error)

    def objects(self, number: int) -> Iterator[Object]:
        """Signatures of a shard, and its verdicts."""
        with suppress(StoreDamaged):
            commit = load(self._store, self._paths.shard(number), ShardCommit)
            if commit and commit.signatures:
                yield commit.signatures
        if self._verdicts and (rows := self._verdicts.rows.get(number)):
            yield rows

    def _outcomes_error(self, number: int, key: str) -> StoreDamaged | None:
        where = address(self._store, key)
        part = self._segment.parts[number]
        try:
            with rows_file(self._store, key, "", self._data.scratch) as path:
                self._reading.count_bytes(
                    path.stat().st_size + sum(rows.size for rows in (part.ledger, part.items) if rows)
                )
                different = difference(self._data, part, read_settled(path, where))
            refuse_changed(self._store, key, RESTORE)
        except NotFound:
            return gone(where, _OUTCOMES)
        except StoreDamaged as error:
            return error if error.where == where else None  # damage of the rows is reported with the rows
        return unreadable(where, different, _OUTCOMES) if different else None

    def _is_lost(self, number: int) -> bool:
        """Whether a shard without a commit was closed as lost, from the files of the step that closed it."""
        if self._segment.kept:
            return self._verdicts is None or any(one.shard == number for one in self._verdicts.lost)
        part = self._segment.parts[number]
        if part.ledger is None:
            return True
        run = part.ledger.key.rpartition("/")[2].removesuffix(".jsonl").partition("-")[2]
        # The rows were written by a run of the shard, or by the commit step.
        own = (self._paths.log(number, run), self._paths.checkpoint(number, run))
        return not any(is_there(self._store, key) for key in own)
