"""Errors for an object in the store that differs from what was committed.

Each message contains the full address of the object and how to restore it.
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
    """Return the full address of an object."""
    return f"{store.uri.rstrip('/')}/{key}"


def noted_digest(stat: Stat) -> str:
    """Return the digest that reelmill recorded of an object when it wrote it; empty if the record is lost."""
    return stat.metadata.get("digest") or stat.outdated.get("digest", "")


def is_untouched(stat: Stat) -> bool:
    """Return whether a folder recorded what it wrote under a key, and the file was not opened for writing since."""
    return bool(stat.written) and stat.written == f"sha256:{stat.etag}"


def refuse_misplaced(store: Store, stat: Stat, hint: str = RESTORE) -> None:
    """Raise StoreDamaged if a file was written by a folder under another key, and then moved or copied to this one.

    Readers may open a folder above the one in which it was written.
    """
    if stat.place and not f"/{stat.key}".endswith(f"/{stat.place}"):
        raise misplaced(address(store, stat.key), stat.place, hint)


def refuse_misplaced_key(store: Store, key: str, hint: str = RESTORE) -> None:
    """Call `refuse_misplaced` for a key. Raises NotFound as well."""
    if not store.remote:
        refuse_misplaced(store, store.stat(key), hint)


def view_digest(store: Store, stat: Stat) -> str:
    """Return the expected digest of a view of a data set; empty if it is not known.

    Files of a folder lose their records when they are copied without their attributes; objects of a bucket do not.
    Raises StoreDamaged for an object of a bucket without a digest, which was written by another program, and for a file
    or object of another place.
    """
    refuse_misplaced(store, stat, VIEW)
    digest = noted_digest(stat)
    if not digest and store.remote:
        raise unreadable(address(store, stat.key), "this is not what was committed: it has no digest", VIEW)
    return digest


def changed(where: str, wanted: str, found: str, hint: str = RESTORE) -> StoreDamaged:
    """Return the error for an object with another digest (`sha256:<hex>`) or size (`7 bytes`) than committed."""
    return StoreDamaged(f"this is not what was committed: it has {found} instead of {wanted}", where=where, hint=hint)


def gone(where: str, hint: str = RESTORE) -> StoreDamaged:
    """Return the error for a committed object that does not exist."""
    return StoreDamaged("this was committed but no longer exists", where=where, hint=hint)


def misplaced(where: str, place: str, hint: str = RESTORE) -> StoreDamaged:
    """Return the error for an undamaged object that belongs to another place."""
    return StoreDamaged(f"this is the record of another place, {place}", where=where, hint=hint)


def unreadable(where: str, problem: str, hint: str = RESTORE) -> StoreDamaged:
    """Return the error for an object that cannot be read as what its name implies."""
    return StoreDamaged(problem, where=where, hint=hint)
