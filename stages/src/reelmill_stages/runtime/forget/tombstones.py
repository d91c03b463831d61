"""Tombstones of forgotten items, which keep listings from adding them again.

The key of a row depends on other rows: of rows with the same identity, new ones have keys such as `identity~1a2b3c4d`
(`sources.listing.settle_keys`), and rows that fail have other keys than items. So a tombstone also covers rows that
have such a key for that reason (`Listed.identity`), if they were in no earlier listing.
"""

import re

from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.records.forgotten import (
    ForgottenNames,
    Tombstone,
    digest_in,
    is_names_record,
    pending,
    tombstone,
    tombstone_digest,
    tombstones,
)
from reelmill.contract.records.rows import Item
from reelmill_stages.records.record_files import load, peek
from reelmill_stages.runtime.forget.source_place import objects_of
from reelmill_stages.sources import Listed
from reelmill_stages.sources.earlier_items import EarlierItems
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address

_COPY = re.compile(r"#+\d+$")
_REFUSED = re.compile(r":row-[0-9a-f]{16}(?:~[0-9a-f]{8,})?$")


def subject(key: str) -> str:
    """The key of the item that a failed row of a source with this key copies, or whose path or id it has."""
    copied = _COPY.sub("", key)
    refused = _REFUSED.search(copied)
    return copied[: refused.start()] if refused else copied


class Tombstones:
    """The current tombstones of a source; each takes 200 bytes of memory.

    A record of names lists the tombstones of all items forgotten at once, so few of them are read individually.
    """

    def __init__(self, store: Store, source: str, place: str) -> None:
        """`place` is the location of the source (`source_place`)."""
        self._store = store
        self._source = source
        self._place = place
        self._digests: set[str] = set()
        self._names: list[str] = []
        self._here: set[str] = set()
        for stat in store.list(tombstones(source), follow_links=False):
            if digest := digest_in(stat.key):
                self._digests.add(digest)
            elif is_names_record(stat.key):
                self._names.append(stat.key)

    def keep_out(self, listed: Listed, before: EarlierItems) -> bool:
        """Whether a row is or may be that of a forgotten item."""
        if not self._digests:
            return False
        key = subject(listed.key) if listed.problem else listed.key
        if self._covers(listed.key, listed) or self._covers(key, listed):
            return True
        identity = subject(listed.identity) if listed.problem else listed.identity
        if not identity or identity == key or not self._covers(identity, listed):
            return False
        return all(key != known for known, _ in before.keys(identity))

    def _covers(self, key: str, listed: Listed) -> bool:
        """Whether the item with this key was forgotten at this location, or where the row's source objects are."""
        digest = tombstone_digest(self._source, key)
        if digest not in self._digests:
            return False
        if self._is_of_this_place(digest):
            return True
        found = load(self._store, tombstone(self._source, digest), Tombstone)
        if found is None:  # deleted by hand in the meantime
            return False
        if not found.places or self._place in found.places:
            return True
        row = Item(listed.key, 0, listed.group, 0.0, listed.media, fields=listed.fields)
        return not set(found.objects).isdisjoint(objects_of(self._source, row))

    def _is_of_this_place(self, digest: str) -> bool:
        """Whether a record of names shows that the item was forgotten in a source at this location."""
        while self._names:
            record = peek(self._store, self._names.pop(), ForgottenNames)
            if record and record.place and record.place == self._place:
                self._here |= set(record.items)
        return digest in self._here


def is_being_forgotten(store: Store, source: str) -> bool:
    """Whether a plan of forgetting items of the source is unfinished."""
    try:
        store.stat(pending(source))
    except NotFound:
        return False
    return True


def refuse_while_forgetting(store: Store, source: str) -> None:
    """Raise SpecError while items of the source are being forgotten, so that nothing new is made from them."""
    if is_being_forgotten(store, source):
        raise SpecError(
            f"items of {source} are being forgotten",
            where=address(store, pending(source)),
            hint="wait until this has finished; if it was interrupted: reelmill forget PIPELINE --continue --yes; "
            "if it cannot be finished: reelmill forget PIPELINE --release",
        )
