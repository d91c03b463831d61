"""Check for the existence of an object."""

from reelmill.contract.errors import NotFound
from reelmill_stages.store import Store


def is_there(store: Store, key: str) -> bool:
    """Whether the object currently exists."""
    try:
        store.stat(key)
    except NotFound:
        return False
    return True
