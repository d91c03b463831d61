"""What earlier listings of a source gave, as far as a new one must know it: keys and names that stay as they are.

A source grows: a row that comes later may be about the same thing as an earlier one, or want its name. The earlier one
was worked on under its key and its outputs carry its name, so it keeps both and the later one gets others.
"""

from collections.abc import Iterator
from typing import Protocol

from reelmill.contract.digest import fingerprint
from reelmill.contract.record import Fields, Media


class EarlierItems(Protocol):
    """Answers for one source; asked once per row at most a few times, so each answer is one look-up."""

    def keys(self, identity: str) -> Iterator[tuple[str, str]]:
        """(key, content) of all rows listed under `identity` or `identity~…`; the content of a failed row is empty."""
        ...

    def several(self) -> Iterator[str]:
        """Identities that rows were listed under as `identity~…`."""
        ...

    def name(self, key: str) -> str | None:
        """The name that an item was given."""
        ...

    def holder(self, name: str) -> tuple[str, str] | None:
        """(key, name) of an item whose name has the same folding."""
        ...


class NoEarlierItems:
    """Before the first listing."""

    def keys(self, identity: str) -> Iterator[tuple[str, str]]:
        return iter(())

    def several(self) -> Iterator[str]:
        return iter(())

    def name(self, key: str) -> str | None:
        return None

    def holder(self, name: str) -> tuple[str, str] | None:
        return None


NOTHING: EarlierItems = NoEarlierItems()

_OF_OTHERS = frozenset({"name", "list_sizes"})
"""Fields that depend on other rows too: they may change although the item says what it said."""


def content(group: str, media: Media | None, fields: Fields) -> str:
    """What must be equal for an item to say what it said: not its weight, which follows, nor what depends on the other
    rows.
    """
    told = {name: value for name, value in fields.items() if name not in _OF_OTHERS}
    return fingerprint([group, media.to_json() if media else None, told])[:32]
