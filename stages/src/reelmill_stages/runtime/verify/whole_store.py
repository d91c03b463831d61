"""Detection of all damage that concerns a pipeline: in its data sets, and in the records at the root of the store."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from reelmill.contract.errors import StoreError
from reelmill.contract.records.claim import Claimant
from reelmill.contract.records.frozen import frozen_as
from reelmill.contract.records.layout import INTERNAL, DataSetPaths
from reelmill.contract.task import Task
from reelmill_stages import registry
from reelmill_stages.records.claims import claims_on
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.latest_key import POINTS_NOWHERE, LatestKey, points_somewhere
from reelmill_stages.records.pins import missing_pins
from reelmill_stages.records.record_files import peek
from reelmill_stages.runtime.verify.damaged_object import DamagedObject
from reelmill_stages.runtime.verify.digest_comparison import damaged_objects
from reelmill_stages.runtime.verify.digest_reader import Reading
from reelmill_stages.runtime.verify.opened_passes import opened_passes
from reelmill_stages.runtime.verify.owners import data_sets_of, missing_owners
from reelmill_stages.runtime.verify.progress import VerificationProgress
from reelmill_stages.runtime.verify.store_records import StoreRecords
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address, gone, unreadable

_PIN = (
    "restore it from a backup, or give the file's digest in the pipeline: without a pin, the next pass uses the "
    "file as it is then"
)
_DATA_SET = "restore the data set from a backup, or run the pipeline, which makes it again"
_WHO = (f"{INTERNAL}/pipelines/", f"{INTERNAL}/runs/")
"""Folders of the records about pipelines."""


def damaged_in_store(
    task: Task,
    store: Store,
    reading: Reading,
    progress: VerificationProgress,
    *,
    names: Collection[str] = (),
    claimant: Claimant | None = None,
) -> Iterator[tuple[str, DamagedObject]]:
    """(name of a source or stage, damaged object); the name is empty for records at the root of the store.

    Earlier data sets in the pipeline's frozen states are checked as well. With `names`, only the data sets of these
    sources and stages are. `claimant` is the pipeline file, if there is one. Raises as `damaged_objects`.
    """
    present = data_sets_of(task)
    for each in present:
        if not names or each.name in names:
            yield from ((each.name, found) for found in damaged_objects(DataSet(store, each), reading, progress))
            yield from ((each.name, found) for found in _vanished(store, each))
    if names:
        return
    claims = {each.root: claims_on(store, each) for each in present}
    records = StoreRecords(store, reading)
    if any(_has_segments(store, each) for each in present):
        records.need_marker()
    records.need(_claims_of_states(present, claims))
    yield from (("", found) for found in records.damaged)
    if not any(found.key.startswith(_WHO) for found in records.damaged):  # they are needed to find missing owners
        missing = missing_owners(task, store, claims, records.runs, records.identities, claimant)
        yield from (("", found) for found in missing)
    yield from _pins(task, store)
    earlier = records.data_sets(f"{task.owner.namespace}/{task.owner.name}") - set(present)
    for each in sorted(earlier, key=lambda one: one.root):
        yield from ((each.name, found) for found in damaged_objects(DataSet(store, each), reading, progress))


def _vanished(store: Store, names: DataSetPaths) -> Iterator[DamagedObject]:
    """Damage if `latest.json` points at a data set that does not exist: removal deletes that pointer, too."""
    latest = peek(store, names.latest, LatestKey)
    is_its = latest is not None and DataSetPaths(names.name, latest.key).root == names.root
    if latest and is_its and not points_somewhere(store, names.name, latest):
        yield DamagedObject(names.latest, unreadable(address(store, names.latest), POINTS_NOWHERE, _DATA_SET))


def _pins(task: Task, store: Store) -> Iterator[tuple[str, DamagedObject]]:
    """Missing pins of stages that have opened a pass. User code is not imported."""
    for stage in task.stages:
        names = DataSetPaths(stage.name, stage.key)
        if registry.own_code(stage.type, stage.params) or not any(opened_passes(store, names)):
            continue
        for key in missing_pins(store, names, registry.stage_block(stage.type, dict(stage.params))):
            yield stage.name, DamagedObject(key, gone(address(store, key), _PIN))


def _claims_of_states(present: Iterable[DataSetPaths], claims: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """Name of a frozen state -> keys of its claims on the present data sets."""
    found: dict[str, list[str]] = {}
    for names in present:
        for uid in claims[names.root]:
            if state := frozen_as(uid):
                found.setdefault(state, []).append(names.user(uid))
    return found


def _has_segments(store: Store, names: DataSetPaths) -> bool:
    try:
        return DataSet(store, names).last is not None
    except StoreError:
        return True
