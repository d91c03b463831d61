"""Taking a data set away: deleted, or moved into the store's trash. Cut off anywhere, it can go on."""

from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.task import Owner
from reelmill_stages.records.claims import claim
from reelmill_stages.records.inventory import Found
from reelmill_stages.records.latest_key import LatestKey
from reelmill_stages.records.owned import Owned
from reelmill_stages.records.record_files import peek
from reelmill_stages.store import Store


def delete(store: Store, found: Found, mine: Owned, owner: Owner, *, trash: str = "") -> None:
    """Take away what is reelmill's of a data set, and the signpost that points at it.

    `trash` is a prefix: then everything is moved there, under its own key. The owner's claim is made anew before
    anything goes, and goes last: it says what the rest is, should this be cut off.
    """
    names = DataSetPaths(found.names.name, mine.key)
    mine_last = names.user(owner.uid).removeprefix(f"{found.root}/") if owner.uid else ""
    if mine_last:
        claim(store, names, owner)
    for name in (*(name for name in mine.names if name != mine_last), *filter(None, [mine_last])):
        _take(store, f"{found.root}/{name}", trash)
    latest = peek(store, names.latest, LatestKey)
    if latest and DataSetPaths(names.name, latest.key).root == found.root:
        _take(store, names.latest, trash)


def _take(store: Store, key: str, trash: str) -> None:
    if trash:
        store.move(key, f"{trash}/{key}")
    else:
        store.delete(key)
