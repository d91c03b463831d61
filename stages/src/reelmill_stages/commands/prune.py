"""`reelmill prune`: find and remove data sets that no pipeline claims.

Every run writes a claim on each data set that it uses. A data set may be removed if there is no claim at all, or if
only this pipeline claims it and its file no longer makes it. Data sets in use are skipped, and only objects that
reelmill wrote are removed.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime

from reelmill.contract.commands.prune_rows import ClaimRow, PrunedRow, PruneResult
from reelmill.contract.errors import SpecError
from reelmill.contract.records import layout
from reelmill.contract.records.claim import Claim
from reelmill.contract.records.frozen import frozen_as
from reelmill.contract.records.layout import KEY_DIGITS
from reelmill.contract.task import Task
from reelmill_stages.commands.entry import entries, store_of
from reelmill_stages.records.claims import claims_on, withdraw
from reelmill_stages.records.deletion import delete as take_away
from reelmill_stages.records.inventory import Found, places
from reelmill_stages.records.owned import Owned, owned
from reelmill_stages.records.record_files import peek
from reelmill_stages.store import Store


def prune(
    task: Task,
    env: Mapping[str, str],
    *,
    delete: bool,
    now: float,
    trash: bool = False,
    release: Collection[str] = (),
    only: Collection[str] | None = None,
) -> PruneResult:
    """Find unclaimed data sets, and with `delete` remove them; with `trash`, move them into the store's trash.

    `release` are claims (their uids) to ignore, and to delete with `delete`; `only` restricts removal to these data
    sets (`name/key10`). `now` is the present time in seconds: an open pass written to within the last ten minutes
    counts as being worked on.

    Raises SpecError for a claim in `release` that does not exist.
    """
    store = store_of(task, env)
    kept = {f"{entry.name}/{entry.key[:KEY_DIGITS]}" for entry in entries(task)}
    found = places(store.list(follow_links=False))
    _check_claims(release, found)
    gone = {task.owner.uid, *release} - {""}
    place = layout.trash(f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}") if trash else ""
    rows: list[PrunedRow] = []
    unknown: list[str] = []
    for one in found:
        if one.root in kept or one.claims - gone or one.is_worked_on(now):
            continue
        mine = owned(store, one)
        if mine is None:
            unknown += [one.root] if one.has_records else []
        elif mine.names:
            doing = delete and (only is None or one.root in only) and not claims_on(store, one.names) - gone
            if doing:
                take_away(store, one, mine, task.owner, trash=place)
            rows.append(_row(one, mine, deleted=doing))
    if delete:
        for one in found:
            for uid in one.claims.intersection(release):
                withdraw(store, one.names, uid)
        for uid in release:
            store.delete(layout.run(uid))
    return PruneResult(
        rows=rows,
        data_sets=len(found),
        unknown=unknown,
        claims=list(_claims(store, (one for one in found if one.root not in kept), gone)),
        trash=f"{store.uri.rstrip('/')}/{place}" if place else "",
    )


def _row(found: Found, mine: Owned, *, deleted: bool) -> PrunedRow:
    names = found.names
    return PrunedRow(
        name=names.name,
        key=names.key,
        objects=len(mine.names),
        bytes=mine.bytes,
        deleted=deleted,
        left=[f"{found.root}/{name}" for name in mine.left],
    )


def _check_claims(release: Collection[str], found: Collection[Found]) -> None:
    known = {uid for one in found for uid in one.claims}
    for uid in release:
        if frozen := frozen_as(uid):
            raise SpecError(
                f"the claim {uid} belongs to a frozen state",
                hint=f"delete its name instead: reelmill freeze PIPELINE {frozen} --delete",
            )
        if uid not in known:
            raise SpecError(
                f"there is no claim {uid!r} in this store",
                hint=f"there are {', '.join(sorted(known)[:20])}" if known else "nothing is claimed",
            )


def _claims(store: Store, found: Iterator[Found], gone: set[str]) -> Iterator[ClaimRow]:
    """Claims of others on data sets that this file does not make."""
    data_sets: dict[str, list[str]] = defaultdict(list)
    for one in found:
        for uid in one.claims - gone:
            data_sets[uid].append(one.root)
    for uid, roots in sorted(data_sets.items()):
        claim = peek(store, f"{roots[0]}/{layout.INTERNAL}/users/{uid}.json", Claim)
        yield ClaimRow(
            uid=uid,
            name=f"{claim.namespace}/{claim.name}" if claim else "",
            by_name=bool(claim and claim.by_name),
            frozen_as=frozen_as(uid),
            data_sets=roots,
        )
