"""Detection of damage in the records at the root of a store.

These are its marker, frozen states with their views, tombstones, identities of pipeline files, and records of runs.
"""

import time
from collections.abc import Iterable, Mapping
from itertools import chain

from reelmill.contract.errors import NotFound, StoreDamaged
from reelmill.contract.model import Model
from reelmill.contract.records import layout
from reelmill.contract.records.claim import Identity
from reelmill.contract.records.forgotten import (
    PENDING,
    TOMBSTONES,
    Forgetting,
    ForgottenNames,
    Tombstone,
    digest_in,
    is_names_record,
)
from reelmill.contract.records.frozen import Frozen, claim_uid, is_name
from reelmill.contract.records.heartbeat import YOUNG_SECONDS
from reelmill.contract.records.layout import INTERNAL, DataSetPaths
from reelmill.contract.records.run import RunRecord
from reelmill.contract.records.segment import Object
from reelmill_stages.records.record_files import load, refuse_changed, remedy
from reelmill_stages.runtime.verify.damaged_object import DamagedObject
from reelmill_stages.runtime.verify.digest_reader import Reading
from reelmill_stages.runtime.verify.presence import is_there
from reelmill_stages.store import Store
from reelmill_stages.store.damage import WRITTEN_AGAIN, address, changed, gone, unreadable
from reelmill_stages.store.probe import MARKER, is_marked

_FREEZE = "restore it from a backup, or delete the name with `reelmill freeze PIPELINE {} --delete` and freeze again"
_FOLDERS = (layout.FROZEN, TOMBSTONES, PENDING, f"{INTERNAL}/pipelines/", f"{INTERNAL}/runs/")


class StoreRecords:
    """The records at the root of a store; `damaged` lists the damaged ones."""

    def __init__(self, store: Store, reading: Reading) -> None:
        """Read them. Raises TransientError if the store does not answer."""
        self._store = store
        self._reading = reading
        self.damaged: list[DamagedObject] = []
        self.runs: dict[str, RunRecord] = {}
        """The pipelines that ran, by uid."""
        self.identities: set[str] = set()
        """Uids of pipeline files."""
        self._frozen: dict[str, Frozen] = {}
        for stat in chain.from_iterable(store.list(folder, follow_links=False) for folder in _FOLDERS):
            if (model := _model(stat.key)) is None:
                continue
            hint = remedy(model)
            name = stat.key.removeprefix(layout.FROZEN).removesuffix(".json")
            if model is Frozen:
                hint = _FREEZE.format(name)
            try:
                record = load(store, stat.key, model)
                refuse_changed(store, stat.key, hint)
            except StoreDamaged as error:
                self._add(stat.key, StoreDamaged(error.what, where=error.where, hint=hint))
                continue
            match record:
                case Frozen():
                    self._frozen[name] = record
                    self._check_views(record)
                    self._check_claims(record)
                case Identity():
                    self.identities.add(record.uid)
                case RunRecord():
                    self.runs[record.task.owner.uid] = record

    def need_marker(self) -> None:
        """Add damage for a marker of the store (`store.probe`) that is missing or has other content."""
        where = address(self._store, MARKER)
        try:
            self._store.stat(MARKER)
            refuse_changed(self._store, MARKER, WRITTEN_AGAIN)
            if not is_marked(self._store):
                self._add(MARKER, unreadable(where, "not what reelmill writes after its probe", WRITTEN_AGAIN))
        except NotFound:
            self._add(MARKER, gone(where, WRITTEN_AGAIN))
        except StoreDamaged as error:
            self._add(MARKER, error)

    def data_sets(self, pipeline: str) -> set[DataSetPaths]:
        """The data sets of the frozen states of a pipeline (`namespace/name`)."""
        states = (state for state in self._frozen.values() if state.pipeline == pipeline)
        return {DataSetPaths(one.name, one.key) for state in states for one in state.data_sets}

    def need(self, states: Mapping[str, Iterable[str]]) -> None:
        """Add damage for frozen states (name -> keys of claims) without a record.

        `freeze` writes the record last, after all copies.
        """
        known = self._frozen.keys() | {found.key for found in self.damaged}
        for name, claims in sorted(states.items()):
            key = layout.frozen(name)
            if not known & {name, key} and not self._is_being_made(name, claims):
                self._add(key, gone(address(self._store, key), _FREEZE.format(name)))

    def _is_being_made(self, name: str, claims: Iterable[str]) -> bool:
        """Whether a claim or a copy of the state was written recently, or its record in the meantime.

        A check writes nothing to the store, so it does not know the store's clock. A time in the future is one of a
        store whose clock is ahead of this machine's, and counts as recent.
        """
        views = self._store.list(layout.frozen_views(name), follow_links=False)
        moments = chain(map(self._modified, claims), (stat.modified for stat in views))
        now = time.time()
        return any(now - moment < YOUNG_SECONDS for moment in moments) or is_there(self._store, layout.frozen(name))

    def _modified(self, key: str) -> float:
        try:
            return self._store.stat(key).modified
        except NotFound:
            return 0.0

    def _check_claims(self, state: Frozen) -> None:
        """Check the claims of a state, which cover all its upstream data sets as long as it has its name."""
        for root in state.claimed:
            name, _, key = root.partition("/")
            claim = DataSetPaths(name, key).user(claim_uid(state.name))
            try:
                self._store.stat(claim)
            except NotFound:
                self._add(claim, gone(address(self._store, claim), _FREEZE.format(state.name)))

    def _check_views(self, state: Frozen) -> None:
        hint = _FREEZE.format(state.name)
        for data_set in state.data_sets:
            for view in data_set.views:
                key = layout.frozen_view(state.name, data_set.name, view.name, view.digest)
                where = address(self._store, key)
                try:
                    digest, size = self._reading.digest(Object(key=key, size=view.size, digest=view.digest))
                except NotFound:
                    self._add(key, gone(where, hint))
                    continue
                if size != view.size:
                    self._add(key, changed(where, f"{view.size} bytes", f"{size} bytes", hint))
                elif digest != view.digest:
                    self._add(key, changed(where, view.digest, digest, hint))

    def _add(self, key: str, error: StoreDamaged) -> None:
        self.damaged.append(DamagedObject(key, error))


def _model(key: str) -> type[Model] | None:
    """The model of the record with this key; None for any other object."""
    *above, name = key.split("/")
    match above[1:]:
        case ["frozen"] if name.endswith(".json") and is_name(name.removesuffix(".json")):
            return Frozen
        case ["pipelines"] if name.endswith(".json"):
            return Identity
        case ["runs"] if name.endswith(".json"):
            return RunRecord
    if key.startswith(TOMBSTONES) and digest_in(key):
        return Tombstone
    if key.startswith(TOMBSTONES) and is_names_record(key):
        return ForgottenNames
    return Forgetting if key.startswith(PENDING) and name.endswith(".json") else None
