"""Claims of pipelines on data sets, and the current key of a name.

Claims keep `prune` and `onDelete: Delete` from deleting what another pipeline reads. Both records are plain writes: a
claim has one writer, and `latest.json` is only a pointer for people and tools.
"""

import logging
import re

from reelmill.contract.errors import NotFound
from reelmill.contract.log import event
from reelmill.contract.records.claim import Claim
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.task import Owner
from reelmill_stages.records.latest_key import LatestKey
from reelmill_stages.records.record_files import dump, peek
from reelmill_stages.store import Store

CLAIM_NAME = re.compile(r"[^./~][^/]*\.json")
"""Name of a claim; excludes hidden files and copies left by an editor."""

log = logging.getLogger(__name__)


def claim(store: Store, names: DataSetPaths, owner: Owner) -> float:
    """Record that a pipeline uses this data set. Returns the time by the store's clock."""
    key = names.user(owner.uid)
    store.write(key, dump(Claim(**owner.model_dump(), data_set=names.name, key=names.key)))
    return store.stat(key).modified


def withdraw(store: Store, names: DataSetPaths, uid: str) -> None:
    """Withdraw a pipeline's claim on a data set. A file that is not a claim is kept."""
    found = peek(store, names.user(uid), Claim)
    if found and found.uid == uid:
        store.delete(names.user(uid))


def claims_on(store: Store, names: DataSetPaths) -> set[str]:
    """Uids of the pipelines that currently claim a data set."""
    listed = store.list(names.users, follow_links=False)
    return {uid_of(stat.key) for stat in listed if CLAIM_NAME.fullmatch(stat.key.removeprefix(names.users))}


def uid_of(key: str) -> str:
    """The uid in a claim's key."""
    return key.rpartition("/")[2].removesuffix(".json")


def point_latest(store: Store, names: DataSetPaths) -> None:
    """Point `<name>/latest.json` at this data set. A file of that name that reelmill did not write is kept."""
    data = dump(LatestKey(key=names.key))
    try:
        if store.read(names.latest) == data:
            return
    except NotFound:
        pass
    else:
        if peek(store, names.latest, LatestKey) is None:
            event(
                log,
                "a file that reelmill did not write has the place of latest.json; it is kept, so names find no data",
                level=logging.WARNING,
                file=f"{store.uri.rstrip('/')}/{names.latest}",
            )
            return
    store.write(names.latest, data)
