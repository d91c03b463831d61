"""`reelmill forget`: remove everything made from items of a source, and keep the items from coming back."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from reelmill.contract.commands.lineage_rows import ForgetResult, ForgetRow, RemainsRow
from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.ranges import parse_ranges
from reelmill.contract.records.forgotten import AffectedDataSet, Forgetting, tombstone, tombstone_digest
from reelmill.contract.task import SourceDef, Task
from reelmill_stages.commands.entry import must_exist, store_of
from reelmill_stages.records import heartbeat
from reelmill_stages.runtime.forget.forgetting import begin, execute_plan, files_left, plan_of, stored_plan
from reelmill_stages.runtime.forget.marks import Released
from reelmill_stages.runtime.forget.marks import release as write_release
from reelmill_stages.runtime.forget.search.remains import Remains, forgotten, remains
from reelmill_stages.runtime.forget.source_place import source_place
from reelmill_stages.store import Store


def forget(
    task: Task, env: Mapping[str, str], *, source: str, keys: Sequence[str], moment: str, act: bool
) -> ForgetResult:
    """Find everything made from these items of a source, and with `act` remove it.

    An unfinished plan of an earlier call is completed first: `keys` may be empty then, or must be its keys. For items
    that were forgotten before, the store is searched again. `moment` is the present time, UTC in RFC 3339.

    Raises SpecError for a key that the source does not have, for keys other than those of an unfinished plan, and if
    forgetting is not possible.
    """
    store, listed = store_of(task, env), _source(task, source)
    with TemporaryDirectory(prefix="reelmill-forget-") as folder:
        scratch = Path(folder)
        plan = stored_plan(store, source)
        if plan is None:
            if not keys:
                raise SpecError(
                    f"no items of {source} are being forgotten", where=store.uri, hint="give the keys of items"
                )
            plan = plan_of(store, listed, list(dict.fromkeys(keys)), moment, scratch)
            _check_keys_exist(store, plan)
            if not any(what.parts for what in plan.data_sets):
                return _result(plan, "forgotten", _remains(store, listed, plan.keys).left)
            if not act:
                return _result(plan, "found", [])
            begin(store, plan)
        else:
            _check_same_items(plan, listed, keys, store)
            if not act:
                return _result(plan, "unfinished", [])
        if rest := execute_plan(store, plan, heartbeat.runner(task, env), scratch):
            return _result(plan, "unfinished", rest)
    return _result(plan, "forgotten", _remains(store, listed, plan.keys, plan.place).left)


def release(
    task: Task, env: Mapping[str, str], *, source: str, keys: Sequence[str], moment: str, user: str, act: bool
) -> ForgetResult:
    """Find possible remains of forgotten items, and with `act` record that they are something else.

    An unfinished plan is executed once more and then dropped, so that pipelines run again. `keys` may be empty if there
    is one. `user` is the person who decides. Raises SpecError if there is nothing to release.
    """
    store, listed = store_of(task, env), _source(task, source)
    plan, rest = stored_plan(store, source), list[str]()
    if plan is None:
        if not keys:
            raise SpecError(f"no items of {source} are being forgotten", where=store.uri, hint="give the keys of items")
        plan = Forgetting(source=source, keys=tuple(dict.fromkeys(keys)), uris=(), data_sets=(), began=moment)
        _check_keys_exist(store, plan)
    else:
        _check_same_items(plan, listed, keys, store)
        if act:
            with TemporaryDirectory(prefix="reelmill-forget-") as folder:
                execute_plan(store, plan, heartbeat.runner(task, env), Path(folder))
        rest = files_left(store, plan)
    found = list(dict.fromkeys([*rest, *_remains(store, listed, plan.keys, plan.place).left]))
    if not found and not plan.data_sets:
        raise SpecError(f"no traces of these items of {source} remain, so there is nothing to release", where=store.uri)
    if act:
        released_items = Released(plan.keys, tuple(found), moment, f"{task.owner.namespace}/{task.owner.name}", user)
        write_release(store, source, released_items)
    return _result(plan.replace(data_sets=()), "released" if act else "unfinished", found)


def search(task: Task, env: Mapping[str, str]) -> Sequence[RemainsRow]:
    """Search the store for all forgotten items of the pipeline's sources, and for everything made from them.

    Raises SpecError for a store without forgotten items in which no run has worked on these data sets.
    """
    store = store_of(task, env)
    rows = []
    for source in task.sources:
        found = _remains(store, source, ())
        rows.append(
            RemainsRow(
                source=source.name,
                items=found.items,
                objects=found.objects,
                named_only=found.named_only,
                unfinished=stored_plan(store, source.name) is not None,
                left=found.left,
            )
        )
    if not any(row.items for row in rows):
        must_exist(store, task)
    return rows


def _remains(store: Store, source: SourceDef, keys: Collection[str], place: str = "") -> Remains:
    return remains(store, forgotten(store, source, keys, place))


def _source(task: Task, name: str) -> SourceDef:
    return next(source for source in task.sources if source.name == name)


def _check_same_items(plan: Forgetting, source: SourceDef, keys: Sequence[str], store: Store) -> None:
    """Raise SpecError if the plan is about other items than those of the source with these keys, if any are given."""
    if keys and (set(keys) != set(plan.keys) or plan.place not in ("", source_place(source))):
        raise SpecError(
            f"other items of {plan.source} are being forgotten",
            where=store.uri,
            hint="finish that first: reelmill forget PIPELINE --continue",
        )


def _check_keys_exist(store: Store, plan: Forgetting) -> None:
    """Raise SpecError for a key that neither the source nor a tombstone has."""
    found = {key for what in plan.data_sets if not what.upstreams for key in what.names}
    for key in plan.keys:
        if key in found:
            continue
        try:
            store.stat(tombstone(plan.source, tombstone_digest(plan.source, key)))
        except NotFound:
            raise SpecError(
                f"the source {plan.source!r} has no item {key!r}",
                where=store.uri,
                hint=f"find its keys with: reelmill trace PIPELINE KEY --stage {plan.source}",
            ) from None


def _result(plan: Forgetting, state: str, rest: Sequence[str]) -> ForgetResult:
    rows = [_row(what) for what in plan.data_sets[::-1] if what.parts]
    return ForgetResult.model_validate(
        {"source": plan.source, "keys": list(plan.keys), "state": state, "rows": rows, "left": list(rest)}
    )


def _row(what: AffectedDataSet) -> ForgetRow:
    return ForgetRow(
        stage=what.name,
        stage_key=what.key,
        items=sum(len(parse_ranges(part.items)) for part in what.parts),
        inputs=sum(len(parse_ranges(part.inputs)) for part in what.parts),
        withdrawn=sum(len(parse_ranges(part.withdrawn)) for part in what.parts),
        copies=sum(len(parse_ranges(part.copies)) for part in what.parts),
        files=len(what.files),
        bytes=sum(file.size for file in what.files),
        views=len(what.views),
    )
