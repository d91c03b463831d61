"""The errors for an object in the store that is not what was committed.

Each names the object by its full address and says how to get it back.
"""

from reelmill.contract.errors import Damaged
from reelmill.contract.model import Model
from reelmill.contract.records.claim import Claim
from reelmill.contract.records.segment import Runner, ShardCommit, StageRecord
from reelmill_stages.records.latest_key import LatestKey
from reelmill_stages.store import Store

RESTORE = (
    "restore it from a backup, or make the data set again with a new `rerun` of the stage (`epoch` of a source); "
    "`reelmill check PIPELINE.yaml --deep` lists all damage"
)
VIEW = (
    "restore it from a backup, or make it again: delete this view and `_reelmill/stage.json` beside it, "
    "and the next pass of the stage writes both"
)
_WRITTEN_AGAIN = "restore it from a backup, or delete it: the next run writes it again"
_REMEDIES: dict[type[Model], str] = {
    LatestKey: _WRITTEN_AGAIN,
    StageRecord: _WRITTEN_AGAIN,
    Claim: _WRITTEN_AGAIN,
    Runner: _WRITTEN_AGAIN,
    ShardCommit: "restore it from a backup, or, while its pass is open, delete it: the next run commits it again",
}


def address(store: Store, key: str) -> str:
    """The full address of an object."""
    return f"{store.uri.rstrip('/')}/{key}"


def changed(where: str, wanted: str, found: str, hint: str = RESTORE) -> Damaged:
    """An object is not the committed one, by its digest (`sha256:<hex>`) or its size (`7 bytes`)."""
    return Damaged(f"this is not what was committed: it has {found} instead of {wanted}", where=where, hint=hint)


def gone(where: str, hint: str = RESTORE) -> Damaged:
    """A committed object does not exist."""
    return Damaged("this was committed, and is gone", where=where, hint=hint)


def unreadable(where: str, problem: str, hint: str = RESTORE) -> Damaged:
    """An object cannot be read as what its name says."""
    return Damaged(problem, where=where, hint=hint)


def remedy(model: type[Model]) -> str:
    """How to get a damaged record of this model back."""
    return _REMEDIES.get(model, RESTORE)
