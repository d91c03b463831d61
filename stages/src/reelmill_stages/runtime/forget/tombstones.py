"""Which items of a source were forgotten, so that no listing brings them back.

The key of a row depends on other rows: of rows with the same identity, new ones have keys such as `identity~1a2b3c4d`
(`sources.listing.settle_keys`), and rows that fail have other keys than items. So a tombstone also stands for such
keys, as far as they were in no earlier listing.
"""

import re

from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.records.forgotten import digest_in, pending, tombstone_digest, tombstones
from reelmill_stages.sources import Listed
from reelmill_stages.sources.earlier_items import EarlierItems
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address

_COPY = re.compile(r"#+\d+$")
_REFUSED = re.compile(r":row-[0-9a-f]{16}(?:~[0-9a-f]{8,})?$")
_ONE_OF_SEVERAL = re.compile(r"~[0-9a-f]{8,}$")


def subject(key: str) -> str:
    """The key of the item that a failed row of a source with this key is a copy of, or has the path or id of."""
    copied = _COPY.sub("", key)
    refused = _REFUSED.search(copied)
    return copied[: refused.start()] if refused else copied


class Tombstones:
    """The tombstones of a source, as of now; 100 bytes of memory each."""

    def __init__(self, store: Store, source: str) -> None:
        self._source = source
        listed = store.list(tombstones(source), follow_links=False)
        self._digests = {digest for stat in listed if (digest := digest_in(stat.key))}

    def has(self, key: str) -> bool:
        """Whether the item with this key was forgotten."""
        return bool(self._digests) and tombstone_digest(self._source, key) in self._digests

    def keep_out(self, listed: Listed, before: EarlierItems) -> bool:
        """Whether a row is that of a forgotten item, or may be."""
        if not self._digests:
            return False
        key = subject(listed.key) if listed.problem else listed.key
        if self.has(listed.key) or self.has(key):
            return True
        identity = _ONE_OF_SEVERAL.sub("", key)
        return self.has(identity) and all(key != known for known, _ in before.keys(identity))


def is_being_forgotten(store: Store, source: str) -> bool:
    """Whether the plan of forgetting items of the source is not followed to its end yet."""
    try:
        store.stat(pending(source))
    except NotFound:
        return False
    return True


def refuse_while_forgetting(store: Store, source: str) -> None:
    """Raises SpecError while items of the source are being forgotten, so that nothing new is made of them."""
    if is_being_forgotten(store, source):
        raise SpecError(
            f"items of {source} are being forgotten",
            where=address(store, pending(source)),
            hint="wait until this has finished; if it was cut off: reelmill forget PIPELINE --continue --yes",
        )
