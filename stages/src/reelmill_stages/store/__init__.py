"""The one narrow interface to object storage, with two implementations: a local folder and S3.

A commit is a conditional PUT, so conditions are part of the interface, not an option. Keys are relative to the
root that the store was opened with and use `/`; a store never lists or touches anything outside of its root.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Stat:
    """What the store knows of an object. `etag` is opaque; `modified` is seconds since the epoch."""

    key: str
    size: int
    etag: str
    modified: float
    version: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    foreign: bool = False
    """A folder knows that it did not write this file as it is now, or that it is a link. A bucket cannot tell."""
    copied: bool = False
    """A folder knows that somebody copied this file, with what a store had noted of the original."""


class Store(Protocol):
    """Objects under one root.

    All methods raise `NotFound` for what does not exist, `PreconditionFailed` when a condition does not hold,
    `TransientError` after their own retries, and `StoreError` for refusals that the user must mend.
    Implementations are not shared across processes: each opens its own.
    """

    @property
    def uri(self) -> str:
        """The root as the user wrote it."""
        ...

    def stat(self, key: str) -> Stat:
        """Size, etag and metadata of one object."""
        ...

    def read(
        self, key: str, *, start: int = 0, length: int | None = None, if_match: str = "", version: str = ""
    ) -> bytes:
        """A small object, or a part of one, in memory.

        Every read may ask for an etag, and for a version in a bucket that keeps them (a folder has none: NotFound).
        """
        ...

    def open(self, key: str, *, if_match: str = "", version: str = "") -> AbstractContextManager[BinaryIO]:
        """Stream an object."""
        ...

    def fetch(self, key: str, folder: Path, *, if_match: str = "", version: str = "") -> Path:
        """A local file with the object's bytes, to be read only: downloaded into `folder`, or the object itself."""
        ...

    def write(
        self,
        key: str,
        data: bytes | Path,
        *,
        create: bool = False,
        if_match: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> Stat:
        """Write an object atomically: readers see the old bytes or the new ones.

        `create` demands that the key does not exist (If-None-Match: *), `if_match` that it has this etag. Metadata
        belongs to the object: whoever wins a conditional write has both the bytes and the metadata.
        """
        ...

    def list(self, prefix: str = "", *, follow_links: bool = True) -> Iterator[Stat]:
        """Objects whose key begins with `prefix`, in key order, without metadata.

        Without `follow_links` a folder gives links themselves, as foreign objects, and nothing that lies behind them.
        """
        ...

    def delete(self, key: str) -> None:
        """Delete an object; deleting what does not exist is fine. A folder refuses with StoreError behind a link."""
        ...

    def move(self, key: str, to: str) -> None:
        """Give an object another key, with its metadata. Raises PreconditionFailed when that one is taken.

        A reader finds it under one of the two at any time; a bucket copies first and deletes then.
        """
        ...
