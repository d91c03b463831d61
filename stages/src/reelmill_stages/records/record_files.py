"""Reads and creates records of the contract in the store."""

from typing import TypeVar

from pydantic import ValidationError

from reelmill.contract.errors import NotFound, PreconditionFailed
from reelmill.contract.model import Model
from reelmill.contract.records.claim import Claim
from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.segment import PlanBlock, ShardCommit, StageRecord
from reelmill_stages.records.latest_key import LatestKey
from reelmill_stages.store import Store
from reelmill_stages.store.damage import RESTORE, WRITTEN_AGAIN, address, unreadable

M = TypeVar("M", bound=Model)

_REMEDIES: dict[type[Model], str] = {
    LatestKey: WRITTEN_AGAIN,
    StageRecord: WRITTEN_AGAIN,
    Claim: WRITTEN_AGAIN,
    Runner: WRITTEN_AGAIN,
    PlanBlock: "delete it: it repeats what pass.json says",
    ShardCommit: "restore it from a backup, or, while its pass is open, delete it: the next run commits it again",
}


def load(store: Store, key: str, model: type[M]) -> M | None:
    """The record with this key, or None if it does not exist. Raises StoreDamaged if it cannot be parsed."""
    try:
        data = store.read(key)
    except NotFound:
        return None
    return parse(data, address(store, key), model)


def peek(store: Store, key: str, model: type[M]) -> M | None:
    """The record under a key, or None where there is none that can be read as one."""
    try:
        return model.model_validate_json(store.read(key))
    except (NotFound, ValueError):
        return None


def parse(data: bytes, where: str, model: type[M]) -> M:
    """Parse a record; `where` is its address in messages. Raises StoreDamaged if it cannot be parsed."""
    try:
        return model.model_validate_json(data)
    except ValueError as error:
        problem = f"not a {model.__name__} record: damaged, or written by another version of reelmill ({_first(error)})"
        raise unreadable(where, problem, _REMEDIES.get(model, RESTORE)) from error


def dump(record: Model) -> bytes:
    """The JSON of a record."""
    return record.model_dump_json(by_alias=True).encode()


def create(store: Store, key: str, record: M) -> tuple[M, bool]:
    """Create a record if the key does not exist; returns (the stored record, whether it equals this one).

    If the key exists, the stored record is read; it is equal if this process, or another pod, wrote it before.
    """
    data = dump(record)
    try:
        store.write(key, data, create=True)
    except PreconditionFailed:
        found = store.read(key)
        return parse(found, address(store, key), type(record)), found == data
    return record, True


def _first(error: ValueError) -> str:
    """The first problem in one line."""
    if isinstance(error, ValidationError):
        problem = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        return f"{field}: {problem['msg']}" if field else str(problem["msg"])
    return str(error).splitlines()[0]
