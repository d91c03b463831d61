"""The interface to object storage. Implementations are in subpackages, such as `local` and `s3`.

Commits are conditional writes, so every implementation of a writable store must support conditions. Keys are relative
to the root with which a store is opened, and use `/`. A store never accesses anything outside its root.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an entry of a folder or bucket cannot be read as an object."""

    reason: str
    """The reason of the failed row that it becomes (`contract.reasons`)."""
    message: str
    is_folder: bool = False
    """Whether it is a folder, with any number of objects in it, or may be one."""


@dataclass(frozen=True, slots=True)
class Stat:
    """The attributes of an object."""

    key: str
    """Key, relative to the root."""
    size: int
    """Size in bytes."""
    etag: str
    """Opaque identifier of the content, for conditions."""
    modified: float
    """Time of the last change in seconds since the epoch."""
    version: str = ""
    """Version id in a bucket with versioning, otherwise empty."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """User-defined metadata; not included in listings."""
    outdated: Mapping[str, str] = field(default_factory=dict)
    """Metadata that a folder stored under this key before another program changed the file; not in listings."""
    checksum: str = ""
    """Digest `sha256:<hex>` of the content that the server computed when it was written.

    Empty in listings, and if the server has none; a folder never has one.
    """
    written: str = ""
    """Beginning of the digest `sha256:<hex>` of what a folder wrote under this key, even if the file has changed since.

    Empty in listings, if there is no record, and in buckets, which protect their objects themselves.
    """
    place: str = ""
    """Key under which a folder wrote this file, relative to its root at that time.

    Empty in listings, if there is no record, and in buckets.
    """
    foreign: bool = False
    """Whether a folder did not write this file in its present state, or it is a link. Never set by buckets."""
    copied: bool = False
    """Whether a folder detects that this file is a copy that includes a store's record of the original."""
    problem: Problem | None = None
    """Why this entry cannot be read as an object; only in listings that include such entries."""


class Store(Protocol):
    """The objects under one root.

    All methods raise `NotFound` for a missing object, `PreconditionFailed` if a condition does not hold,
    `TransientError` if retries fail, and `StoreError` for errors that the user has to fix, such as missing permissions.
    A store must not be shared between processes; each process opens one.
    """

    @property
    def uri(self) -> str:
        """The root as given by the user."""
        ...

    @property
    def remote(self) -> bool:
        """Whether `fetch` transfers the object, so that reading ranges of a large one is cheaper."""
        ...

    def stat(self, key: str) -> Stat:
        """Return the attributes of an object, including metadata."""
        ...

    def read(
        self, key: str, *, start: int = 0, length: int | None = None, if_match: str = "", version: str = ""
    ) -> bytes:
        """Read an object, or `length` bytes from the offset `start`, into memory.

        Raises RangesUnsupported if the server returns another range, or the whole object. With `if_match`, the object
        must have that etag. With `version`, that version is read from a bucket with versioning; a local folder has no
        versions and raises NotFound.
        """
        ...

    def open(self, key: str, *, if_match: str = "", version: str = "") -> AbstractContextManager[BinaryIO]:
        """Open an object as a stream. Conditions are those of `read`."""
        ...

    def fetch(self, key: str, folder: Path, *, if_match: str = "", version: str = "") -> Path:
        """Return a local file with the content of an object: a download in `folder`, or the object itself.

        The file must not be modified. Conditions are those of `read`.
        """
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
        """Write an object atomically from bytes or from a local file, and return its new attributes.

        With `create`, the key must not exist (If-None-Match: *); with `if_match`, the object must have that etag.
        Content and metadata are written together.
        """
        ...

    def list(self, prefix: str = "", *, follow_links: bool = True, problems: bool = False) -> Iterator[Stat]:
        """Yield the objects whose keys begin with `prefix`, sorted by key, without metadata.

        Without `follow_links`, links in a folder are listed as foreign objects, and nothing behind them is listed. With
        `problems`, entries that cannot be read as objects are included, with the problem; bytes of their names that are
        not valid text are escaped. Otherwise, links without a target are left out, and StoreError is raised for names
        that are not valid text and for entries that may not be read.
        """
        ...

    def folders(self, prefix: str = "") -> Iterator[str]:
        """Yield the names directly below `prefix` that have objects below them, sorted.

        `prefix` is empty or ends with `/`. Nothing deeper is listed. A folder may also yield names without objects
        below them.
        """
        ...

    def delete(self, key: str) -> None:
        """Delete an object; does nothing if it does not exist. A folder raises StoreError behind a link."""
        ...

    def move(self, key: str, to: str) -> None:
        """Move an object to another key, with its metadata. Raises PreconditionFailed if that key exists.

        At any time, readers find it under one of the two keys; a bucket first copies and then deletes.
        """
        ...
