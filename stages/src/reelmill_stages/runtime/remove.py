"""The remove step: a pipeline was deleted for good, so what only it claims goes, and its claims on the rest."""

import logging

from reelmill.contract.layout import DataSetPaths
from reelmill.contract.log import event
from reelmill.contract.task import RemoveReport
from reelmill_stages.records.data_set import LatestKey
from reelmill_stages.records.inventory import Found, data_sets
from reelmill_stages.records.records import load
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.store import Store

log = logging.getLogger(__name__)


def remove(context: StepContext) -> RemoveReport:
    """Take away every data set that this pipeline ever claimed and no other does. Cut off anywhere, it can go on.

    Raises StoreError for a store that cannot be used.
    """
    uid, store = context.task.owner.uid, context.store
    removed = kept = objects = size = 0
    for found in data_sets(store.list()):
        if uid not in found.claims:
            continue
        name, _, key = found.root.partition("/")
        names = DataSetPaths(name, key)
        # Who claimed it since it was listed counts too.
        claims = {stat.key for stat in store.list(names.user("").removesuffix(".json"))}
        if claims - {names.user(uid)}:
            store.delete(names.user(uid))
            kept += 1
            continue
        found.delete(store)
        _forget_latest(store, names, found)
        removed, objects, size = removed + 1, objects + len(found.objects), size + found.bytes
        event(log, "removed", data_set=found.root, objects=len(found.objects), bytes=found.bytes)
    return RemoveReport(removed=removed, kept=kept, objects=objects, bytes=size)


def _forget_latest(store: Store, names: DataSetPaths, found: Found) -> None:
    latest = load(store, names.latest, LatestKey)
    if latest and found.root == DataSetPaths(names.name, latest.key).root:
        store.delete(names.latest)
