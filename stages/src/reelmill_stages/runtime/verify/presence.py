"""Whether there is an object with a key."""

from reelmill.contract.errors import NotFound
from reelmill_stages.store import Store


def is_there(store: Store, key: str) -> bool:
    """Whether there is such an object now."""
    try:
        store.stat(key)
    except NotFound:
        return False
    return True
