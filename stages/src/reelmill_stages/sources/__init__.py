"""The interface of source adapters, which list items without downloading media.

An adapter yields one `Listed` for each row, in a stable order. An invalid row becomes a `Listed` with `problem`, not an
exception, so that every row has an outcome. `settled` makes keys and names unique.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from reelmill.contract.records.rows import Fields, Media
from reelmill.contract.spec.block import SourceBlock
from reelmill_stages.sources.earlier_items import EarlierItems
from reelmill_stages.store import Problem, Stat


@dataclass(frozen=True, slots=True)
class Listed:
    """An item, or an invalid row, of a listing."""

    key: str
    """Unique in the source, and stable over listings."""
    group: str
    """Items of one group, such as the clips of one video, are processed together."""
    weight: float
    """Duration in seconds, or size in bytes if no duration is known."""
    media: Media | None = None
    fields: Fields = field(default_factory=dict)
    """Fields for later stages, by common names.

    `vid` (id of the video), `text` (caption), `start` and `end` (seconds, of a clip to be cut), `size` (CLIP4MC's
    list), `name` (file name of outputs, without extension, safe and unique), `conversations`.
    """
    problem: tuple[str, str] | None = None
    """(reason, message) of an invalid row, which is committed as a failed input and read again by the next listing."""
    rows: tuple[Fields, ...] = ()
    """Rows of the source's lists that point at the item, for a source whose rows point many-to-one at files.

    They are not part of the item: an additional row does not change it. Views read them (`DataSetReader.list_rows`).
    """
    position: int | None = None
    """Number of the row in the metadata, which determines the order of numbers and lists.

    None: they follow the order in which the items are processed, that of the groups.
    """
    identity: str = ""
    """What the key was derived from, if it also depends on other rows; empty: the key itself."""


class Bucket(Protocol):
    """Access to the objects of a source by absolute URI, with the connection of the source."""

    def read(self, uri: str) -> bytes:
        """Read a metadata file. Raises SpecError if it does not exist."""
        ...

    def list(self, uri: str) -> Iterator[tuple[str, Stat]]:
        """Yield (absolute URI, stat) of every object below a prefix or folder, sorted by URI."""
        ...

    def stream(self, uri: str) -> Iterator[tuple[str, Stat]]:
        """Like `list`, without caching the result, for folders with very many objects.

        Entries that cannot be read are included, with their problems.
        """
        ...

    def problems(self, uri: str) -> Iterator[tuple[str, Problem]]:
        """Yield (absolute URI, problem) of the entries below a prefix or folder that cannot be read as objects."""
        ...

    def hide(self, folder: str, objects: int) -> None:
        """Record how many objects below a folder the listing leaves out."""
        ...

    def stat(self, uri: str) -> Stat | None:
        """Return the attributes of an object, or None if it does not exist.

        An object of a web server that cannot be read has a problem in them.
        """
        ...

    def expect(self, uri: str) -> None:
        """Announce that `stat` will be called for an object: a web server gets several requests at a time."""
        ...


class Adapter(Protocol):
    """A function that lists one kind of source."""

    def __call__(self, block: Any, bucket: Bucket, source: str, before: EarlierItems) -> Iterator[Listed]:
        """List the source. `source` is its name, for `Media.source`; `before` is passed to `settled`.

        Raises SpecError if the source cannot be listed as a whole.
        """
        ...


__all__ = ["Adapter", "Bucket", "EarlierItems", "Listed", "Mapping", "SourceBlock"]
