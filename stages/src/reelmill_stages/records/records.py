"""Reads and creates records of the contract in the store."""

from typing import TypeVar

from reelmill.contract.errors import NotFound, PreconditionFailed, StoreError
from reelmill.contract.model import Model
from reelmill_stages.store import Store

M = TypeVar("M", bound=Model)


def load(store: Store, key: str, model: type[M]) -> M | None:
    """The record with this key, or None if it does not exist. Raises StoreError if it cannot be parsed."""
    try:
        data = store.read(key)
    except NotFound:
        return None
    return parse(data, key, model)


def peek(store: Store, key: str, model: type[M]) -> M | None:
    """The record under a key, or None where there is none that can be read as one."""
    try:
        return model.model_validate_json(store.read(key))
    except (NotFound, ValueError):
        return None


def parse(data: bytes, key: str, model: type[M]) -> M:
    """Parse a record; `key` is its key in messages. Raises StoreError if it cannot be parsed."""
    try:
        return model.model_validate_json(data)
    except ValueError as error:
        raise StoreError(
            f"not a {model.__name__} record: {str(error).splitlines()[0]}",
            where=key,
            hint="it was written by another version of reelmill, or not by reelmill",
        ) from error


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
        return parse(found, key, type(record)), found == data
    return record, True
