"""Detection of missing records about pipelines: claims, and identities of pipeline files.

No record names them, so they are derived from other records: a pipeline that opened a pass has claimed its data set and
those that it reads; a pipeline file that ran has an identity with its uid. A pipeline that was removed, or whose claim
was released, has no claims, and is not checked.
"""

import re
from collections.abc import Iterator, Mapping

from reelmill.contract.records import layout
from reelmill.contract.records.claim import Claim, Claimant
from reelmill.contract.records.layout import INTERNAL, DataSetPaths
from reelmill.contract.records.run import RunRecord
from reelmill.contract.task import StageDef, Task
from reelmill_stages.records.record_files import peek
from reelmill_stages.runtime.verify.damaged_object import DamagedObject
from reelmill_stages.runtime.verify.opened_passes import opened_passes
from reelmill_stages.runtime.verify.presence import is_there
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address, gone

_OF_A_FILE = re.compile(r"[0-9a-f]{32}")
"""A uid of a pipeline file; those of resources have hyphens."""
_CLAIM = "restore it from a backup, or run the pipeline, which claims it again; until then, others can prune it"
_IDENTITY = (
    "restore it from a backup, or take the claims of this uid back with `reelmill prune PIPELINE --release {}`: they "
    "keep data that the next run of the pipeline file claims under another uid"
)


def missing_owners(
    task: Task,
    store: Store,
    claims: Mapping[str, set[str]],
    runs: Mapping[str, RunRecord],
    identities: set[str],
    claimant: Claimant | None,
) -> Iterator[DamagedObject]:
    """The missing records.

    `claims` (root of a data set -> uids) must be read first, and then `runs` and `identities`, by uid: a pipeline that
    starts in the meantime has an identity before a claim. `claimant` is the pipeline file, if there is one.
    """
    names = data_sets_of(task)
    needed: set[str] = set()
    for stage in task.stages:
        of_stage = DataSetPaths(stage.name, stage.key)
        for uid in _runners(store, of_stage):
            if uid == task.owner.uid or _lists(runs.get(uid), stage):
                above = [DataSetPaths(one.name, one.key) for one in stage.upstreams]
                needed |= {each.user(uid) for each in (of_stage, *above) if uid not in claims.get(each.root, {uid})}
    for key in sorted(key for key in needed if not is_there(store, key)):
        yield DamagedObject(key, gone(address(store, key), _CLAIM))
    yield from _identities(task, store, {each.root: each for each in names}, claims, identities, claimant)


def data_sets_of(task: Task) -> list[DataSetPaths]:
    """The present data sets of all sources and stages."""
    sources = [DataSetPaths(source.name, source.key) for source in task.sources]
    return sources + [DataSetPaths(stage.name, stage.key) for stage in task.stages]


def _identities(
    task: Task,
    store: Store,
    names: Mapping[str, DataSetPaths],
    claims: Mapping[str, set[str]],
    identities: set[str],
    claimant: Claimant | None,
) -> Iterator[DamagedObject]:
    found = {
        uid: claim
        for root, uids in claims.items()
        for uid in sorted(uids - identities)
        if _OF_A_FILE.fullmatch(uid) and (claim := peek(store, names[root].user(uid), Claim)) and not claim.by_name
    }
    for uid, claim in found.items():
        is_this = claimant and (claim.namespace, claim.name) == (task.owner.namespace, task.owner.name)
        key = layout.identity(claimant.digest) if claimant and is_this else f"{INTERNAL}/pipelines/"
        yield DamagedObject(key, gone(address(store, key), _IDENTITY.format(uid)))


def _runners(store: Store, names: DataSetPaths) -> set[str]:
    """Uids of the pipelines that opened the passes of a data set. Passes opened by `forget` have none."""
    return {opened.runner.uid for opened in opened_passes(store, names)} - {""}


def _lists(record: RunRecord | None, stage: StageDef) -> bool:
    """Whether a pipeline still had this data set at its last run."""
    return record is not None and any((one.name, one.key) == (stage.name, stage.key) for one in record.task.stages)
