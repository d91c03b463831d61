"""Detection of payload that changes between `process` and the end of `assemble`.

Payload may be a hard link to a file of a source in a folder, which other programs can write to at any time.
"""

from collections.abc import Sequence
from pathlib import Path

from reelmill.contract.errors import TransientError
from reelmill_stages.stage import Done, Result

Version = tuple[int, int]
"""Time of the last change of a file in nanoseconds, and its size in bytes."""


def payload_versions(result: Result) -> tuple[Version, ...]:
    """Return the versions of the payload files of a result."""
    return tuple(_version(file.path) for file in result.payload) if isinstance(result, Done) else ()


def refuse_changed_payload(done: Done, versions: Sequence[Version]) -> None:
    """Raise TransientError if payload no longer has these versions; files that were removed are not checked."""
    for file, version in zip(done.payload, versions, strict=True):
        if file.path.exists() and _version(file.path) != version:
            raise TransientError(
                "the payload of an item changed while it was assembled",
                where=file.name,
                hint="check which process writes to the files of the source; the shard is retried",
            )


def _version(path: Path) -> Version:
    status = path.stat()
    return status.st_mtime_ns, status.st_size
