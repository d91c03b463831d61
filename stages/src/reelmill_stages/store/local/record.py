"""What a folder store knows of a file besides its bytes: its content's digest and its metadata.

The record is attached to the finished temporary file *before* that is published, so it comes and goes with the file
and belongs to whoever wins. It lies in an extended attribute, or, where the file system has none, in a file named
after the temporary file's identity (inode, time, size). A file that was changed behind the store's back no longer
fits its record; that one, and any file that came from elsewhere, has its time and size for an etag.
"""

import errno
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_NAME = "user.reelmill"
_NO_ATTRIBUTES = {errno.ENOTSUP, errno.EPERM, errno.E2BIG, errno.ENOSPC, errno.ERANGE, errno.ENOSYS, errno.EINVAL}


@dataclass(frozen=True, slots=True)
class Record:
    """`etag` of the content and user metadata."""

    etag: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    foreign: bool = False
    """The file has no record of its own: the store did not write it as it is."""
    copied: bool = False
    """The record came along with a copy of the file that it was made for."""


def attach(fd: int, record: Record, folder: Path) -> Path | None:
    """Attach a record to an open, finished file. Returns the side file where one was needed. Raises OSError."""
    status = os.fstat(fd)
    text = json.dumps({"of": _identity(status), "etag": record.etag, "metadata": dict(record.metadata)}).encode()
    if sys.platform == "linux":
        try:
            os.setxattr(fd, _NAME, text)
        except OSError as error:
            if error.errno not in _NO_ATTRIBUTES:
                raise
        else:
            return None
    folder.mkdir(parents=True, exist_ok=True)
    side = side_file(status, folder)
    with side.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return side


def record_of(file: int | str | Path, status: os.stat_result, folder: Path) -> Record:
    """The record of a file, by descriptor or path, and its status. Raises OSError when the file is gone."""
    text = _attribute(file) or _side_text(status, folder)
    if text:
        row = json.loads(text)
        # A copied file keeps the attribute but not its inode: time and size say whether the content is still the same.
        if row["of"][1:] == _identity(status)[1:]:
            return Record(row["etag"], row["metadata"], copied=row["of"] != _identity(status))
    return Record(f"{status.st_mtime_ns:x}-{status.st_size:x}", foreign=True)


def side_file(status: os.stat_result, folder: Path) -> Path:
    """Where the record of a file lies when it cannot be an attribute."""
    return folder / "-".join(f"{number:x}" for number in _identity(status))


def _identity(status: os.stat_result) -> list[int]:
    return [status.st_ino, status.st_mtime_ns, status.st_size]


def _attribute(file: int | str | Path) -> bytes:
    if sys.platform == "linux":
        try:
            return os.getxattr(file, _NAME)
        except OSError as error:
            if error.errno not in (*_NO_ATTRIBUTES, errno.ENODATA):
                raise
    return b""


def _side_text(status: os.stat_result, folder: Path) -> bytes:
    try:
        return side_file(status, folder).read_bytes()
    except OSError:
        return b""
