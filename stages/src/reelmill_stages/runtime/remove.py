"""The remove step, after a pipeline was deleted: remove the data sets that only it claims, and its other claims."""

import logging

from reelmill.contract.log import event
from reelmill.contract.records.layout import run, verification
from reelmill.contract.records.run import RunRecord
from reelmill.contract.records.verification import ProgressRecord
from reelmill.contract.task import RemoveReport
from reelmill_stages.records.claims import claims_on, withdraw
from reelmill_stages.records.deletion import delete
from reelmill_stages.records.inventory import places
from reelmill_stages.records.owned import owned
from reelmill_stages.records.record_files import may_be_replaced
from reelmill_stages.runtime.context import StepContext

log = logging.getLogger(__name__)

_NAMED = 3
"""Maximum number of objects named in a report, whose size is limited."""
_LONGEST = 100


def remove(context: StepContext) -> RemoveReport:
    """Remove every data set that this pipeline ever claimed and no other claims. An interrupted call can be continued.

    Objects that reelmill did not write are kept and reported. Raises StoreError for a store that cannot be used.
    """
    owner, store = context.task.owner, context.store
    removed = kept = objects = size = 0
    left: list[str] = []
    for found in places(store.list(follow_links=False)):
        if owner.uid not in found.claims:
            continue
        # Includes claims made since the listing.
        if claims_on(store, found.names) - {owner.uid}:
            withdraw(store, found.names, owner.uid)
            kept += 1
            continue
        mine = owned(store, found)
        if mine is None:
            withdraw(store, found.names, owner.uid)
            left += [f"{found.root}/{name}" for name in found.objects if not name.endswith(f"/users/{owner.uid}.json")]
            event(log, "no record identifies this; it is kept", level=logging.WARNING, folder=found.root)
            continue
        delete(store, found, mine, owner)
        removed, objects, size = removed + 1, objects + len(mine.names), size + mine.bytes
        event(log, "removed", data_set=found.root, objects=len(mine.names), bytes=mine.bytes)
        left += [f"{found.root}/{name}" for name in mine.left]
    if owner.uid:
        for key, model in ((verification(owner.uid), ProgressRecord), (run(owner.uid), RunRecord)):
            if may_be_replaced(store, key, model):
                store.delete(key)
    if left:
        event(log, "kept what reelmill did not write", level=logging.WARNING, objects=len(left), names=left[:1000])
    return RemoveReport(
        removed=removed,
        kept=kept,
        objects=objects,
        bytes=size,
        left=len(left),
        left_names=tuple(name[:_LONGEST] for name in left[:_NAMED]),
    )
