"""`reelmill freeze`: names for states of data sets, which trainers open and which are protected from deletion.

Claims are written first and the record last, so everything that a record names is already protected when it appears.
When a name is deleted, the record is deleted first.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from reelmill.contract.errors import NotFound, PreconditionFailed, SpecError
from reelmill.contract.records import layout
from reelmill.contract.records.frozen import Frozen, FrozenDataSet, FrozenView, check_name, claim_uid
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.segment import StageRecord
from reelmill.contract.task import Owner, StageDef, Task
from reelmill_stages.commands.entry import data_set, stage_of, store_of
from reelmill_stages.records.claims import claim, withdraw
from reelmill_stages.records.inventory import places
from reelmill_stages.records.owned import is_named
from reelmill_stages.records.record_files import create, load
from reelmill_stages.store import Stat, Store
from reelmill_stages.store.damage import VIEW, address, changed, gone, view_digest
from reelmill_stages.store.digests import file_digest

_TRIES = 5
"""Number of attempts if a state changes while its views are copied."""


def freeze(task: Task, env: Mapping[str, str], name: str, *, stages: Sequence[str], moment: str) -> Frozen:
    """Name the present state of the data sets of `stages`; without `stages`, of all existing ones.

    `moment` is the present time, UTC in RFC 3339. A name refers to one state permanently: if this state already has it,
    nothing is written. Raises SpecError if another state has the name, for a stage without data, and for one whose
    views are not written yet.
    """
    check_name(name)
    store = store_of(task, env)
    chosen = [stage_of(task, stage) for stage in stages] if stages else list(task.stages)
    found = [record for stage in chosen if (record := _state(store, stage, must_be=bool(stages)))]
    if not found:
        raise SpecError("no stage has a data set yet", where=store.uri, hint="run the pipeline first")
    if taken := load(store, layout.frozen(name), Frozen):
        return _equal_state(store, taken, found)
    owner = Owner(namespace=task.owner.namespace, name=task.owner.name, uid=claim_uid(name))
    claimed = _ancestry(store, found)
    for names in claimed:
        claim(store, names, owner)
    # Detects data that was deleted before its claim was written.
    _ancestry(store, found)
    state = Frozen(
        name=name,
        created=moment,
        pipeline=f"{owner.namespace}/{owner.name}",
        data_sets=tuple(_frozen(store, name, stage) for stage in chosen if stage.name in {one.stage for one in found}),
        claimed=tuple(names.root for names in claimed),
    )
    stored, is_this = create(store, layout.frozen(name), state)
    return stored if is_this else _equal_state(store, stored, found)


def frozen(task: Task, env: Mapping[str, str]) -> list[Frozen]:
    """All frozen states of the store, in order of their names."""
    store = store_of(task, env)
    names = (stat.key.removeprefix(layout.FROZEN) for stat in store.list(layout.FROZEN, follow_links=False))
    found = (load(store, f"{layout.FROZEN}{name}", Frozen) for name in names if _is_record(name))
    return sorted(filter(None, found), key=lambda record: record.name)


def thaw(task: Task, env: Mapping[str, str], name: str) -> list[str]:
    """Delete a name: its record, its copies of views, and the claims on its data sets.

    Remains of an earlier interrupted call are deleted, too. Returns keys of objects among the copies that are not
    copies; they are kept. Raises SpecError if there is nothing of that name.
    """
    check_name(name)
    store = store_of(task, env)
    record = load(store, layout.frozen(name), Frozen)
    if record:
        store.delete(layout.frozen(name))
    # An interrupted call may have claimed other data sets than those of the record.
    claimed = [one.names for one in places(store.list(follow_links=False)) if claim_uid(name) in one.claims]
    listed = list(store.list(layout.frozen_views(name), follow_links=False))
    named = _recorded_copies(name, record) if record else {}
    copies = [stat.key for stat in listed if is_named(store, named, stat) or _is_copy(store, name, stat)]
    if not (record or claimed or copies):
        names = ", ".join(each.name for each in frozen(task, env))
        raise SpecError(
            f"there is no frozen state {name!r}",
            where=store.uri,
            hint=f"there are {names}" if names else "this store has none",
        )
    for key in copies:
        store.delete(key)
    for names_of in claimed:
        withdraw(store, names_of, claim_uid(name))
    return [stat.key for stat in listed if stat.key not in copies]


def _recorded_copies(name: str, record: Frozen) -> dict[str, tuple[int, str]]:
    """The copies that a record names."""
    return {
        layout.frozen_view(name, one.name, view.name, view.digest): (view.size, view.digest)
        for one in record.data_sets
        for view in one.views
    }


def _is_copy(store: Store, name: str, stat: Stat) -> bool:
    """Whether an object that no record names is a copy of a view, left by an interrupted call."""
    try:
        digest = "" if stat.foreign else store.stat(stat.key).metadata.get("digest", "")
    except NotFound:
        return False
    data_set, _, rest = stat.key.removeprefix(layout.frozen_views(name)).partition("/")
    view = rest.partition("/")[2]
    return bool(digest and view) and stat.key == layout.frozen_view(name, data_set, view, digest)


def _state(store: Store, stage: StageDef, *, must_be: bool) -> StageRecord | None:
    """The record of the present data set of a stage and its views; None for a stage without data."""
    data = data_set(store, stage)
    if data.last is None:
        if must_be:
            raise SpecError(f"the stage {stage.name!r} has no data set yet", where=store.uri, hint="run the pipeline")
        return None
    record = data.record()
    if record is None or record.segment < data.last.segment or not record.view:
        raise SpecError(
            f"the files that describe the whole data set of {stage.name!r} are older than its last segment",
            where=store.uri,
            hint="they are written when the pipeline has finished; freeze it then, or choose other stages with --stage",
        )
    return record


def _equal_state(store: Store, before: Frozen, present: Sequence[StageRecord]) -> Frozen:
    """The frozen state with this name, if it equals the present one."""
    was = {one.name: (one.key, one.segment) for one in before.data_sets}
    if was != {record.stage: (record.key, record.segment) for record in present}:
        raise SpecError(
            f"the name {before.name!r} stands for another state, of {before.pipeline}, {before.created}",
            where=address(store, layout.frozen(before.name)),
            hint="choose another name; delete a name with --delete",
        )
    return before


def _ancestry(store: Store, records: Sequence[StageRecord]) -> list[DataSetPaths]:
    """Data sets and all their upstreams, which contain media that they refer to. Raises StoreDamaged."""
    found: dict[str, DataSetPaths] = {}
    waiting = [DataSetPaths(record.stage, record.key) for record in records]
    while waiting:
        names = waiting.pop()
        if names.root in found:
            continue
        found[names.root] = names
        record = load(store, names.stage_json, StageRecord)
        if record is None:
            raise gone(address(store, names.stage_json))
        waiting += [DataSetPaths(name, key) for name, key in record.upstreams.items()]
    return list(found.values())


def _frozen(store: Store, name: str, stage: StageDef) -> FrozenDataSet:
    """The state of a data set, with its views copied."""
    for _ in range(_TRIES):
        record = _state(store, stage, must_be=True)
        assert record is not None
        views = [_frozen_copy(store, name, record, view) for view in record.views]
        if None not in views and _state(store, stage, must_be=True) == record:
            return FrozenDataSet(
                name=record.stage,
                key=record.key,
                segment=record.segment,
                totals=record.totals,
                views=tuple(view for view in views if view),
            )
    raise SpecError(
        f"the data set of {stage.name!r} grew while its state was copied",
        where=store.uri,
        hint="freeze it when the pipeline has finished",
    )


def _frozen_copy(store: Store, name: str, record: StageRecord, view: str) -> FrozenView | None:
    """Copy a view; None if a later segment has replaced it."""
    key = DataSetPaths(record.stage, record.key).view(view)
    where = address(store, key)
    with TemporaryDirectory(prefix="reelmill-freeze-") as folder:
        try:
            stat = store.stat(key)
            path = store.fetch(key, Path(folder), if_match=stat.etag)
        except NotFound as error:
            raise gone(where, VIEW) from error
        except PreconditionFailed:
            return None
        if int(stat.metadata.get("segment", record.segment)) > record.segment:
            return None
        digest = file_digest(path)
        if (wanted := view_digest(store, stat)) and wanted != digest:
            raise changed(where, wanted, digest, VIEW)
        size = path.stat().st_size
        store.write(layout.frozen_view(name, record.stage, view, digest), path, metadata={"digest": digest})
    return FrozenView(name=view, size=size, digest=digest)


def _is_record(name: str) -> bool:
    return name.endswith(".json") and "/" not in name
