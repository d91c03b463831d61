"""Removal of a data set: deletion, or a move into the store's trash. An interrupted removal can be continued."""

from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.task import Owner
from reelmill_stages.records.claims import claim
from reelmill_stages.records.inventory import Found
from reelmill_stages.records.latest_key import LatestKey
from reelmill_stages.records.owned import Owned
from reelmill_stages.records.record_files import peek
from reelmill_stages.store import Store


def delete(store: Store, found: Found, mine: Owned, owner: Owner, *, trash: str = "") -> None:
    """Remove the objects of a data set that belong to reelmill, and the pointer to it.

    `trash` is a prefix: if set, the objects are moved there and keep their keys below it. The owner's claim is
    rewritten before anything is removed, and is removed last: it identifies the remaining objects if the removal is
    interrupted.
    """
    names = DataSetPaths(found.names.name, mine.key)
    mine_last = names.user(owner.uid).removeprefix(f"{found.root}/") if owner.uid else ""
    if mine_last:
        claim(store, names, owner)
    for name in (*(name for name in mine.names if name != mine_last), *filter(None, [mine_last])):
        _remove(store, f"{found.root}/{name}", trash)
    latest = peek(store, names.latest, LatestKey)
    if latest and DataSetPaths(names.name, latest.key).root == found.root:
        _remove(store, names.latest, trash)


def _remove(store: Store, key: str, trash: str) -> None:
    if trash:
        store.move(key, f"{trash}/{key}")
    else:
        store.delete(key)
