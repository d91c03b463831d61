"""Records of the contract in the store: read one, or create one that several may try to write."""

from typing import TypeVar

from reelmill.contract.errors import NotFound, PreconditionFailed, StoreError
from reelmill.contract.model import Model
from reelmill_stages.store import Store

M = TypeVar("M", bound=Model)


def load(store: Store, key: str, model: type[M]) -> M | None:
    """The record under a key, or None. Raises StoreError for one that this version cannot read."""
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
    """The record in `data`. Raises StoreError naming the key for one that this version cannot read."""
    try:
        return model.model_validate_json(data)
    except ValueError as error:
        raise StoreError(
            f"not a {model.__name__} record: {str(error).splitlines()[0]}",
            where=key,
            hint="it was written by another version of reelmill, or not by reelmill",
        ) from error


def dump(record: Model) -> bytes:
    """The bytes of a record."""
    return record.model_dump_json(by_alias=True).encode()


def create(store: Store, key: str, record: M) -> tuple[M, bool]:
    """Write a record that nobody wrote yet; gives what stands there now and whether it is this one.

    A lost race is read back: equal content was this writer's own first try, or a twin's.
    """
    data = dump(record)
    try:
        store.write(key, data, create=True)
    except PreconditionFailed:
        found = store.read(key)
        return parse(found, key, type(record)), found == data
    return record, True
