"""Keys and names from earlier listings of a source, which a new listing must not change.

A later row may have the same identity or name as an earlier one. The earlier item keeps its key and name, because its
outputs use them, and the later one gets others.
"""

from collections.abc import Iterator
from typing import Any, Protocol

from reelmill.contract.digest import fingerprint
from reelmill.contract.records.rows import Fields, Media


class EarlierItems(Protocol):
    """Queries about earlier listings of one source; each is a single lookup."""

    def keys(self, identity: str) -> Iterator[tuple[str, str]]:
        """Yield (key, content) of all rows with the key `identity` or `identity~…`; failed rows have empty content."""
        ...

    def several(self) -> Iterator[str]:
        """Yield identities of rows with keys of the form `identity~…`."""
        ...

    def name(self, key: str) -> str | None:
        """Return the name of an item, or None."""
        ...

    def holder(self, name: str) -> tuple[str, str] | None:
        """Return (key, name) of an item whose name is equal except for letter case, or None."""
        ...


class NoEarlierItems:
    """An empty `EarlierItems`, for the first listing."""

    def keys(self, identity: str) -> Iterator[tuple[str, str]]:
        return iter(())

    def several(self) -> Iterator[str]:
        return iter(())

    def name(self, key: str) -> str | None:
        return None

    def holder(self, name: str) -> tuple[str, str] | None:
        return None


NOTHING: EarlierItems = NoEarlierItems()

_OF_OTHERS = frozenset({"name"})
"""Fields that also depend on other rows; a changed value does not change the item."""
_LISTS = frozenset({"lists", "list_sizes"})
"""Fields of items that version 0.1.0 listed from `lips`: the rows of lists, which are now kept beside the items."""

_IDENTIFIED = frozenset({"uri", "etag"})


def content_digest(group: str, media: Media | None, fields: Fields) -> str:
    """Digest the values that determine whether an item has changed.

    Not included are its weight, which is derived, fields that depend on other rows, and the version of a file whose
    etag shows that its content is the same.
    """
    ignored = _OF_OTHERS | _LISTS if fields.keys() >= _LISTS else _OF_OTHERS
    compared_fields = {name: _unversioned(value) for name, value in fields.items() if name not in ignored}
    return fingerprint([group, _unversioned(media.to_json()) if media else None, compared_fields])[:32]


def _unversioned(value: Any) -> Any:
    """Return a value in which files with an etag have no version."""
    if isinstance(value, list):
        return [_unversioned(one) for one in value]
    if isinstance(value, dict):
        same = value.keys() >= _IDENTIFIED
        return {name: _unversioned(one) for name, one in value.items() if not (same and name == "version")}
    return value
