"""Which items of a source were forgotten, so that no listing brings them back."""

from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.records.forgotten import digest_in, pending, tombstone_digest, tombstones
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address


class Tombstones:
    """The tombstones of a source, as of now; 100 bytes of memory each."""

    def __init__(self, store: Store, source: str) -> None:
        self._source = source
        listed = store.list(tombstones(source), follow_links=False)
        self._digests = {digest for stat in listed if (digest := digest_in(stat.key))}

    def has(self, key: str) -> bool:
        """Whether the item with this key was forgotten."""
        return bool(self._digests) and tombstone_digest(self._source, key) in self._digests


def refuse_while_forgetting(store: Store, source: str) -> None:
    """Raises SpecError while items of the source are being forgotten, so that nothing new is made of them."""
    try:
        store.stat(pending(source))
    except NotFound:
        return
    raise SpecError(
        f"items of {source} are being forgotten",
        where=address(store, pending(source)),
        hint="wait until this has finished; if it was cut off: reelmill forget PIPELINE --continue --yes",
    )
