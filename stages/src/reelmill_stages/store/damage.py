"""The errors for an object in the store that is not what was committed.

Each names the object by its full address and says how to get it back.
"""

from reelmill.contract.errors import StoreDamaged
from reelmill_stages.store import Store

RESTORE = (
    "restore it from a backup, or make the data set again with a new `rerun` of the stage (`epoch` of a source); "
    "`reelmill check PIPELINE.yaml --deep` lists all damage"
)
VIEW = (
    "restore it from a backup, or make it again: delete this view and `_reelmill/stage.json` beside it, "
    "and the next pass of the stage writes both"
)


def address(store: Store, key: str) -> str:
    """The full address of an object."""
    return f"{store.uri.rstrip('/')}/{key}"


def changed(where: str, wanted: str, found: str, hint: str = RESTORE) -> StoreDamaged:
    """An object is not the committed one, by its digest (`sha256:<hex>`) or its size (`7 bytes`)."""
    return StoreDamaged(f"this is not what was committed: it has {found} instead of {wanted}", where=where, hint=hint)


def gone(where: str, hint: str = RESTORE) -> StoreDamaged:
    """A committed object does not exist."""
    return StoreDamaged("this was committed, and is gone", where=where, hint=hint)


def unreadable(where: str, problem: str, hint: str = RESTORE) -> StoreDamaged:
    """An object cannot be read as what its name says."""
    return StoreDamaged(problem, where=where, hint=hint)
