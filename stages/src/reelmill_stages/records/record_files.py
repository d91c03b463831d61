"""Reading and creation of records of the contract in the store."""

import json
from contextlib import suppress
from typing import TypeVar

from pydantic import ValidationError

from reelmill.contract.digest import sha256
from reelmill.contract.errors import NotFound, PreconditionFailed
from reelmill.contract.model import Model
from reelmill.contract.records.claim import Claim, Identity
from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.place import place_of
from reelmill.contract.records.record_json import parse_record
from reelmill.contract.records.run import RunRecord
from reelmill.contract.records.segment import PlanBlock, ShardCommit, StageRecord
from reelmill_stages.records.latest_key import LatestKey
from reelmill_stages.store import Store
from reelmill_stages.store.damage import (
    RESTORE,
    WRITTEN_AGAIN,
    address,
    changed,
    is_untouched,
    misplaced,
    refuse_misplaced,
    unreadable,
)
from reelmill_stages.store.digests import object_digest

M = TypeVar("M", bound=Model)

_REMEDIES: dict[type[Model], str] = {
    LatestKey: WRITTEN_AGAIN,
    StageRecord: WRITTEN_AGAIN,
    Claim: WRITTEN_AGAIN,
    RunRecord: WRITTEN_AGAIN,
    Identity: "restore it from a backup, or delete it: the next run of the pipeline file takes another uid, and "
    "data that only the former one claims is kept until `reelmill prune --release` removes that claim",
    Runner: WRITTEN_AGAIN,
    PlanBlock: "delete it: it repeats what pass.json says",
    ShardCommit: "restore it from a backup, or, while its pass is open, delete it: the next run commits it again",
}


def remedy(model: type[Model]) -> str:
    """How to fix a damaged record, for messages."""
    return _REMEDIES.get(model, RESTORE)


def load(store: Store, key: str, model: type[M]) -> M | None:
    """The record with this key, or None if it does not exist.

    Raises StoreDamaged if it cannot be parsed, if it is the record of another location and, in a folder, if its bytes
    changed after they were written.
    """
    where, hint = address(store, key), remedy(model)
    try:
        data = store.read(key) if store.remote else _verified_bytes(store, key, hint)
    except NotFound:
        return None
    record = parse(data, where, model)
    place = place_of(record)
    if place and not f"/{key}".endswith(f"/{place}"):  # readers may open a folder above the store
        raise misplaced(where, place, hint)
    return record


def peek(store: Store, key: str, model: type[M]) -> M | None:
    """The record under a key, or None if there is none or it cannot be read as one. `{}` is not a record."""
    try:
        found = parse_record(model, store.read(key))
    except (NotFound, ValueError, RecursionError):
        return None
    return found if found.model_fields_set else None


def may_be_replaced(store: Store, key: str, model: type[Model]) -> bool:
    """Whether the key is free or holds a record of this kind, with the fields common to all versions."""
    try:
        found = json.loads(store.read(key))
    except NotFound:
        return True
    except (ValueError, RecursionError):
        return False
    needed = {field.alias or name for name, field in model.model_fields.items() if field.is_required()}
    return isinstance(found, dict) and found.keys() >= needed


def parse(data: bytes, where: str, model: type[M]) -> M:
    """Parse a record; `where` is its address in messages. Raises StoreDamaged if it cannot be parsed."""
    try:
        return parse_record(model, data)
    except (ValueError, RecursionError) as error:
        problem = (
            f"not a {model.__name__} record: damaged, or written by another version of reelmill ({_problem_in(error)})"
        )
        raise unreadable(where, problem, remedy(model)) from error


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


def refuse_changed(store: Store, key: str, hint: str) -> None:
    """Raise StoreDamaged for an object in a folder that was changed after reelmill wrote it, or has another key.

    An object without stored attributes, as after a copy without extended attributes, cannot be checked.
    """
    if store.remote:
        return
    with suppress(NotFound):
        stat = store.stat(key)
        refuse_misplaced(store, stat, hint)
        found = object_digest(store, key)[0] if stat.written else ""
        if not found.startswith(stat.written) and store.stat(key) == stat:  # not rewritten in the meantime
            raise changed(address(store, key), stat.written, found[: len(stat.written)], hint)


def _verified_bytes(store: Store, key: str, hint: str) -> bytes:
    """The bytes of a record in a folder. Raises StoreDamaged if they were corrupted on disk; an edit changes the time.

    Another process may replace the record while it is read.
    """
    stat = store.stat(key)
    refuse_misplaced(store, stat, hint)
    while True:
        data = store.read(key)
        if not is_untouched(stat) or (found := sha256(data)).startswith(stat.written):
            return data
        before, stat = stat, store.stat(key)
        if stat == before:
            raise changed(address(store, key), stat.written, found[: len(stat.written)], hint)


def _problem_in(error: ValueError | RecursionError) -> str:
    """The first problem, in one line."""
    if isinstance(error, ValidationError):
        problem = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        return f"{field}: {problem['msg']}" if field else str(problem["msg"])
    return str(error).splitlines()[0]
