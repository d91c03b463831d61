"""Records of files in a local store: digest of the content, and metadata.

A record is attached to the temporary file before that is published, so it always belongs to the file. It is stored in
an extended attribute or, if the file system does not support these, in a file named after inode, time and size of the
file. A file that was changed by other programs no longer matches its record. The etag of such a file, and of any file
without a record, consists of time and size.
"""

import errno
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from reelmill.contract.model import Model

_NAME = "user.reelmill"
_PLACE = ":key"
"""Name of the key in the recorded metadata; user metadata cannot have this name."""
_NO_ATTRIBUTES = {errno.ENOTSUP, errno.EPERM, errno.E2BIG, errno.ENOSPC, errno.ERANGE, errno.ENOSYS, errno.EINVAL}


@dataclass(frozen=True, slots=True)
class Record:
    """`etag` of the content and user metadata."""

    etag: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    foreign: bool = False
    """Whether the file has no record of its present state, which the store therefore did not write."""
    copied: bool = False
    """Whether the record was copied together with the file for which it was made."""
    outdated: Mapping[str, str] = field(default_factory=dict)
    """User metadata of the file before another program changed it."""
    written: str = ""
    """`etag` of what the store wrote, even if another program has changed the file since."""
    place: str = ""
    """The key under which the store wrote the file, even if it was moved since."""


class _Noted(Model):
    """The JSON of a record."""

    of: tuple[int, int, int]
    etag: str
    metadata: dict[str, str]


def attach(fd: int, record: Record, folder: Path) -> Path | None:
    """Attach a record to an open, finished file. Returns the side file if one was needed. Raises OSError."""
    status = os.fstat(fd)
    noted = {**record.metadata, **({_PLACE: record.place} if record.place else {})}
    text = json.dumps({"of": _identity(status), "etag": record.etag, "metadata": noted}).encode()
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
    """Return the record of a file, given by descriptor or path and by its status.

    Data that cannot be parsed as a record is ignored. Raises OSError if the file does not exist.
    """
    text = _attribute(file) or _side_text(status, folder)
    try:
        row = _Noted.model_validate_json(text) if text else None
    except ValidationError:
        row = None  # an attribute of that name by another program
    changed = f"{status.st_mtime_ns:x}-{status.st_size:x}"
    if row is None:
        return Record(changed, foreign=True)
    metadata = dict(row.metadata)
    place = metadata.pop(_PLACE, "")
    # A copy keeps the attribute but not the inode; time and size show whether the content is unchanged.
    if list(row.of[1:]) == _identity(status)[1:]:
        return Record(row.etag, metadata, copied=list(row.of) != _identity(status), written=row.etag, place=place)
    return Record(changed, foreign=True, outdated=metadata, written=row.etag, place=place)


def side_file(status: os.stat_result, folder: Path) -> Path:
    """Return the path of the side file with the record of a file."""
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
