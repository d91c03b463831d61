"""The errors for an object in the store that is not what was committed.

Each names the object by its full address and says how to get it back.
"""

from reelmill.contract.errors import StoreDamaged
from reelmill_stages.store import Stat, Store

RESTORE = (
    "restore it from a backup, or rebuild the data set with a new `rerun` of the stage (`epoch` of a source); "
    "`reelmill check PIPELINE.yaml --deep` lists all damage"
)
WRITTEN_AGAIN = "restore it from a backup, or delete what is there: the next run writes it again"
VIEW = (
    "restore it from a backup, or rebuild it: delete this view and `_reelmill/stage.json` beside it, "
    "and the next pass of the stage writes both"
)


def address(store: Store, key: str) -> str:
    """The full address of an object."""
    return f"{store.uri.rstrip('/')}/{key}"


def noted_digest(stat: Stat) -> str:
    """The digest that reelmill noted of an object when it wrote it; empty if nothing is left of that."""
    return stat.metadata.get("digest") or stat.outdated.get("digest", "")


def is_untouched(stat: Stat) -> bool:
    """Whether a folder has noted what it wrote under a key, and nobody has opened the file for writing since."""
    return bool(stat.written) and stat.written == f"sha256:{stat.etag}"


def refuse_misplaced(store: Store, stat: Stat, hint: str = RESTORE) -> None:
    """Raises StoreDamaged for what a folder wrote under another key, and somebody has put under this one.

    Readers may open a folder above the one in which it was written.
    """
    if stat.place and not f"/{stat.key}".endswith(f"/{stat.place}"):
        raise misplaced(address(store, stat.key), stat.place, hint)


def refuse_of_elsewhere(store: Store, key: str, hint: str = RESTORE) -> None:
    """The same for a key. Raises NotFound as well."""
    if not store.remote:
        refuse_misplaced(store, store.stat(key), hint)


def view_digest(store: Store, stat: Stat) -> str:
    """The digest that a view of a data set must have; empty if it is not known any more.

    The files of a folder lose what was noted of them when they are copied without their attributes; objects of a bucket
    do not. Raises StoreDamaged for one that has no digest, so that something else was written in its place, and for one
    of another place.
    """
    refuse_misplaced(store, stat, VIEW)
    digest = noted_digest(stat)
    if not digest and store.remote:
        raise unreadable(address(store, stat.key), "this is not what was committed: it has no digest", VIEW)
    return digest


def changed(where: str, wanted: str, found: str, hint: str = RESTORE) -> StoreDamaged:
    """An object is not the committed one, by its digest (`sha256:<hex>`) or its size (`7 bytes`)."""
    return StoreDamaged(f"this is not what was committed: it has {found} instead of {wanted}", where=where, hint=hint)


def gone(where: str, hint: str = RESTORE) -> StoreDamaged:
    """A committed object does not exist."""
    return StoreDamaged("this was committed but no longer exists", where=where, hint=hint)


def misplaced(where: str, place: str, hint: str = RESTORE) -> StoreDamaged:
    """An object is whole, and belongs to another place."""
    return StoreDamaged(f"this is the record of another place, {place}", where=where, hint=hint)


def unreadable(where: str, problem: str, hint: str = RESTORE) -> StoreDamaged:
    """An object cannot be read as what its name says."""
    return StoreDamaged(problem, where=where, hint=hint)
