"""Forgetting of items of a source: a plan of everything made from them is created, stored, and executed.

Tombstones are written first, so that no listing adds the items again. Then each data set is processed, downstream ones
first, so that references are removed before their targets. The plan is deleted last, when all files are deleted. Any
process that finds a plan executes it, so the next call continues the work of a killed process.
"""

from collections.abc import Sequence
from pathlib import Path

from reelmill.contract.errors import PreconditionFailed, SpecError, TransientError
from reelmill.contract.records.forgotten import Forgetting, pending
from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.task import SourceDef
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.lineage.source_time import source_objects
from reelmill_stages.records.record_files import create, load
from reelmill_stages.runtime.forget.affected import Affected, of_source, of_stage
from reelmill_stages.runtime.forget.descendants import DataSets
from reelmill_stages.runtime.forget.marks import mark
from reelmill_stages.runtime.forget.outputs import delete_files, delete_records, delete_reports, delete_views
from reelmill_stages.runtime.forget.plans import Plans
from reelmill_stages.runtime.forget.search.names import names_of
from reelmill_stages.runtime.forget.segments import redact_segment
from reelmill_stages.runtime.forget.source_place import source_place
from reelmill_stages.runtime.forget.unnamed import delete_unnamed
from reelmill_stages.runtime.forget.withdrawn import withdraw_inputs
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address


def plan_of(store: Store, source: SourceDef, keys: Sequence[str], moment: str, scratch: Path) -> Forgetting:
    """The plan for these items; nothing is written. `moment` is the present time, UTC in RFC 3339.

    Sources of this name at another location are other sources: of them, only items with the same key and a common
    source object are included. Raises SpecError if forgetting is not possible: a pass is open, a state is frozen, or
    lineage is unknown.
    """
    name, wanted = source.name, set(keys)
    data_sets = DataSets(store)
    found: dict[str, Affected] = {}
    objects: dict[str, set[str]] = {}
    sources = data_sets.sources(name)
    here = data_sets.of(source)
    for root in sorted(here):
        found[root] = of_source(_open_data_set(store, name, sources[root].key, scratch), wanted)
        for key, of in found[root].objects.items():
            objects.setdefault(key, set()).update(of)
    for root in sorted(sources.keys() - here) if objects else ():
        affected = of_source(_open_data_set(store, name, sources[root].key, scratch), wanted, objects)
        if affected.parts:
            found[root] = affected
    uris: set[str] = set()
    records = []
    for names, upstreams in data_sets.descendants(found.keys()):
        data = DataSet(store, names, scratch=scratch)
        if upstreams:
            roots = {each: DataSetPaths(each, key).root for each, key in upstreams.items()}
            affected = of_stage(data, {each: found.get(root) or Affected() for each, root in roots.items()})
            found[data.root] = affected
        else:
            uris |= _own_uris(data, found[data.root])
        records.append(found[data.root].record(data, upstreams))
    return Forgetting(
        source=name,
        keys=tuple(keys),
        uris=tuple(sorted(uris)),
        data_sets=tuple(records[::-1]),
        began=moment,
        place=source_place(source),
        objects={key: tuple(sorted(of)) for key, of in objects.items()},
    )


def stored_plan(store: Store, source: str) -> Forgetting | None:
    """The plan left by an interrupted call."""
    return load(store, pending(source), Forgetting)


def begin(store: Store, plan: Forgetting) -> None:
    """Store a plan. Raises SpecError if another one is in progress, or if the data sets have changed since."""
    stored, ours = create(store, pending(plan.source), plan)
    if not ours and stored != plan:
        raise SpecError(
            f"other items of {plan.source} are being forgotten",
            where=address(store, pending(plan.source)),
            hint="wait, or finish with reelmill forget PIPELINE --continue",
        )
    if not ours:
        return
    try:
        data_sets = DataSets(store)
        roots = {DataSetPaths(what.name, what.key).root for what in plan.data_sets if not what.upstreams}
        found = data_sets.descendants(roots | data_sets.at(plan.source, plan.place))
        now = {names.root: DataSet(store, names).last for names, _ in found}
        planned = {DataSetPaths(what.name, what.key).root: what.segment for what in plan.data_sets}
        if {root: last.segment if last else 0 for root, last in now.items()} != planned:
            raise SpecError(
                f"a pass over items of {plan.source} was closed meanwhile", where=store.uri, hint="call forget again"
            )
    except SpecError:
        store.delete(pending(plan.source))
        raise


def execute_plan(store: Store, plan: Forgetting, runner: Runner, scratch: Path) -> list[str]:
    """Execute a plan. Returns keys of files that could not be deleted; the plan is kept then.

    Raises TransientError if another process changes the data sets in the meantime.
    """
    try:
        return _execute(store, plan, runner, scratch)
    except PreconditionFailed as error:
        raise TransientError(
            f"another process is changing data sets of {plan.source}",
            where=error.where,
            hint="if it has ended: reelmill forget PIPELINE --continue --yes",
        ) from error


def _execute(store: Store, plan: Forgetting, runner: Runner, scratch: Path) -> list[str]:
    mark(store, plan)
    names = names_of(plan)
    for what in plan.data_sets:
        if not what.parts:
            continue
        withdraw_inputs(_open_data_set(store, what.name, what.key, scratch), what, runner)
        delete_views(_open_data_set(store, what.name, what.key, scratch), what)
    for what in plan.data_sets:
        data = _open_data_set(store, what.name, what.key, scratch)
        for number in range(1, (data.last.segment if data.last else 0) + 1):
            redact_segment(data, what, number, names)
        if what.upstreams:
            delete_unnamed(data)
        if what.parts:
            if any(segment.kept for segment in data.segments()):
                # Imported here because it imports numpy.
                from reelmill_stages.runtime.forget.kept_index import redact_kept

                redact_kept(_open_data_set(store, what.name, what.key, scratch), set(what.keys))
            delete_files(data, what)
            delete_records(data, what)
    delete_reports(store)
    keys = {(what.name, what.key): what.keys for what in plan.data_sets}
    for what in plan.data_sets:
        if what.upstreams:
            forgotten = {name: keys.get((name, key), ()) for name, key in what.upstreams.items()}
            Plans(_open_data_set(store, what.name, what.key, scratch), what.upstreams, forgotten).update()
    rest = files_left(store, plan)
    if not rest:
        store.delete(pending(plan.source))
    return rest


def _open_data_set(store: Store, name: str, key: str, scratch: Path) -> DataSet:
    return DataSet(store, DataSetPaths(name, key), scratch=scratch)


def files_left(store: Store, plan: Forgetting) -> list[str]:
    """Keys of files of a plan that still exist, because someone else changed them."""
    return [
        stat.key
        for what in plan.data_sets
        if (files := {file.key for file in what.files})
        for stat in store.list(f"{DataSetPaths(what.name, what.key).root}/", follow_links=False)
        if stat.key in files
    ]


def _own_uris(data: DataSet, affected: Affected) -> set[str]:
    """Source objects that only the affected items have."""
    own: set[str] = set()
    others: set[str] = set()
    for _ in range(2):  # the second round knows the relevant ones
        for item in data.items() if affected.ordinals else ():
            uris = {media.uri for media in source_objects(item)}
            if item.ordinal in affected.ordinals:
                own |= uris
            else:
                others |= uris & own
    return own - others
