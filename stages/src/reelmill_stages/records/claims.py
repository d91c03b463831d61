"""Which pipelines use a data set, and which key a name stands for now.

Claims keep `prune` and `onDelete: Delete` from taking what another pipeline reads. Both are plain writes: a claim has
one writer, and `latest.json` is only a signpost for people and tools.
"""

from reelmill.contract.errors import NotFound
from reelmill.contract.layout import DataSetPaths
from reelmill.contract.task import Owner
from reelmill_stages.records.data_set import LatestKey
from reelmill_stages.records.records import dump
from reelmill_stages.store import Store


def claim(store: Store, names: DataSetPaths, owner: Owner) -> float:
    """Say that a pipeline uses this data set. Gives the time by the store's clock."""
    key = names.user(owner.uid)
    store.write(key, dump(owner))
    return store.stat(key).modified


def point_latest(store: Store, names: DataSetPaths) -> None:
    """Let `<name>/latest.json` point at this data set."""
    data = dump(LatestKey(key=names.key))
    try:
        if store.read(names.latest) == data:
            return
    except NotFound:
        pass
    store.write(names.latest, data)
