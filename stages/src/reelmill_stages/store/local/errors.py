"""Converts errors of the operating system to errors of reelmill."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reelmill.contract.errors import (
    DiskFull,
    Exhausted,
    KeyRefused,
    NotFound,
    ReelmillError,
    StoreError,
    TransientError,
)
from reelmill.contract.process.exhaustion import exhausted

_FULL = {
    errno.ENOSPC: "free some space on this disk, then run again to continue",
    errno.EDQUOT: "raise the quota or free some space, then run again to continue",
}

_TRANSIENT = {
    errno.EFBIG: "raise the limit on file sizes, then run again to continue",
    errno.EIO: "check the disk or the mount, then run again to continue",
    errno.ESTALE: "check the network mount, then run again to continue",
    errno.ETIMEDOUT: "check the network mount, then run again to continue",
}

_EXHAUSTED = {
    errno.EMFILE: "raise the limit on open files (ulimit -n), then run again",
    errno.ENFILE: "too many files are open on this machine; run again later",
    errno.ENOMEM: "this machine is out of memory; run again later",
}

_REFUSED = {
    errno.EACCES: "give this user permission to read and write the folder",
    errno.EPERM: "give this user permission to read and write the folder",
    errno.EROFS: "the folder is mounted read-only: mount it for writing or choose another",
    errno.EXDEV: "the folder of the store must be on a single file system",
}

_KEY_REFUSED = {
    errno.ENAMETOOLONG: "file names are limited to 255 bytes, and paths in length: use shorter names or a bucket",
    errno.EILSEQ: "the file system does not support a character of this name: use other names or a bucket",
}

_MISSING = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}


def error_of(error: OSError, path: Path) -> ReelmillError:
    """Return the error for an OSError about `path`."""
    what, code = error.strerror or str(error), error.errno
    if code in _FULL:
        return DiskFull(f"the disk is full: {what}", where=str(path), hint=_FULL[code])
    if code in _TRANSIENT:
        return TransientError(what, where=str(path), hint=_TRANSIENT[code])
    if code in _EXHAUSTED and (reason := exhausted(error)):
        return Exhausted(reason, what, where=str(path), hint=_EXHAUSTED[code])
    if code in _KEY_REFUSED:
        return KeyRefused(what, where=str(path), hint=_KEY_REFUSED[code])
    if code == errno.ELOOP:
        return NotFound("this link leads to itself or in a circle", where=str(path))
    if code in _MISSING:
        return NotFound("no such object", where=str(path))
    return StoreError(what, where=str(path), hint=_REFUSED.get(code or 0, "check the folder and its file system"))


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Convert OSErrors about `path` raised in the block."""
    try:
        yield
    except OSError as error:
        raise error_of(error, path) from error
