"""What a source adapter is: it lists, it never downloads media.

An adapter yields one `Listed` per item, in a stable order; what is wrong with a row becomes a `Listed` with `problem`,
never an exception, so that every row is accounted for. Names that would collide are told apart here, where all are
seen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from reelmill.contract.record import Fields, Media
from reelmill.contract.spec.block import SourceBlock
from reelmill_stages.sources.earlier_items import EarlierItems
from reelmill_stages.store import Stat


@dataclass(frozen=True, slots=True)
class Listed:
    """One item of a listing.

    `key` is unique in the source and stable from listing to listing. `fields` hold what later stages use under
    common names: `vid` (id of the video), `text` (caption), `start`, `end` (seconds, of a clip still to be cut),
    `size` (CLIP4MC's list), `name` (file name for outputs, without extension, safe and unique), `conversations`.
    `problem` is `(reason, message)` for a row that cannot be an item; it is committed as a failed input:
    `missing` ones are looked at again by the next listing.
    """

    key: str
    group: str
    weight: float
    media: Media | None = None
    fields: Fields = field(default_factory=dict)
    problem: tuple[str, str] | None = None


class Bucket(Protocol):
    """The objects that an adapter may look at, by absolute uri, through the source's own connection."""

    def read(self, uri: str) -> bytes:
        """A metadata file. Raises SpecError naming the uri when it does not exist."""
        ...

    def list(self, uri: str) -> Iterator[tuple[str, Stat]]:
        """(absolute uri, stat) of every object below a prefix or folder, sorted by uri."""
        ...

    def stream(self, uri: str) -> Iterator[tuple[str, Stat]]:
        """As `list`, of a folder with more objects than should be remembered."""
        ...

    def stat(self, uri: str) -> Stat | None:
        """One object, or None."""
        ...


class Adapter(Protocol):
    """Lists one kind of source."""

    def __call__(self, block: Any, bucket: Bucket, source: str, before: EarlierItems) -> Iterator[Listed]:
        """`source` is the source's name, to be set as `Media.source`; `before` is for `settled`."""
        ...


__all__ = ["Adapter", "Bucket", "EarlierItems", "Listed", "Mapping", "SourceBlock"]
