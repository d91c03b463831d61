"""`reelmill forget`: everything that came of items of a source goes from the store, and they do not come back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from reelmill.contract.commands.lineage_rows import ForgetResult, ForgetRow
from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.ranges import parse_ranges
from reelmill.contract.records.forgotten import AffectedDataSet, Forgetting, tombstone, tombstone_digest
from reelmill.contract.task import Task
from reelmill_stages.commands.entry import store_of
from reelmill_stages.records import heartbeat
from reelmill_stages.runtime.forget.forgetting import begin, follow, plan_of, stored_plan
from reelmill_stages.runtime.forget.search import left
from reelmill_stages.store import Store


def forget(
    task: Task, env: Mapping[str, str], *, source: str, keys: Sequence[str], moment: str, act: bool
) -> ForgetResult:
    """Find what came of these items of a source, and with `act` take it away.

    A plan that an earlier call has left is followed first: `keys` may be empty then, or must be its keys. Of items that
    were forgotten before, the records are searched again. `moment` is the present time, UTC in RFC 3339.

    Raises SpecError for a key that the source does not have, for other keys than those of a plan that is not finished,
    and where forgetting is not possible.
    """
    store = store_of(task, env)
    with TemporaryDirectory(prefix="reelmill-forget-") as folder:
        scratch = Path(folder)
        plan = stored_plan(store, source)
        if plan is None:
            if not keys:
                raise SpecError(
                    f"nothing of {source} is being forgotten", where=store.uri, hint="name the keys of items"
                )
            plan = plan_of(store, source, list(dict.fromkeys(keys)), moment, scratch)
            _must_be_known(store, plan)
            if not any(what.parts for what in plan.data_sets):
                rest = list(left(store, plan))
                return _result(plan, "unfinished" if rest else "forgotten", rest)
            if not act:
                return _result(plan, "found", [])
            begin(store, plan)
        elif keys and set(keys) != set(plan.keys):
            raise SpecError(
                f"other items of {source} are being forgotten",
                where=store.uri,
                hint="finish that first: reelmill forget PIPELINE --continue",
            )
        elif not act:
            return _result(plan, "unfinished", [])
        rest = follow(store, plan, heartbeat.runner(task, env), scratch)
    return _result(plan, "unfinished" if rest else "forgotten", rest)


def _must_be_known(store: Store, plan: Forgetting) -> None:
    """Raises SpecError for a key that neither the source has, nor a tombstone."""
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
        files=len(what.files),
        bytes=sum(file.size for file in what.files),
        views=len(what.views),
    )
