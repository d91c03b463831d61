"""Creation of a file in a folder store: it is written and synced under a temporary name, then published in one step.

Temporary files are locked while their writer runs, so files of killed writers can be recognized and removed.
"""

import errno
import fcntl
import hashlib
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20
_TEMPORARY = re.compile(r"[0-9a-f]{32}")
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS}

STALE_SECONDS = 3600.0
"""Age in seconds below which an unlocked temporary file is kept: its writer may be between creating and locking it."""


@contextmanager
def temporary(folder: Path) -> Iterator[tuple[int, Path]]:
    """Open a locked, empty file in `folder`, which is removed at the end under this name. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / uuid.uuid4().hex
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield fd, path
    finally:
        with suppress(FileNotFoundError):
            path.unlink()
        os.close(fd)


def sweep(folder: Path) -> None:
    """Remove files of killed writers: those with names of `temporary` that are old enough and not locked.

    Files that cannot be examined, and all others, are kept.
    """
    now = time.time()
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if (
                    _TEMPORARY.fullmatch(entry.name)
                    and entry.is_file(follow_symlinks=False)
                    and now - entry.stat(follow_symlinks=False).st_mtime > STALE_SECONDS
                ):
                    _remove_unlocked(Path(entry.path))


def _remove_unlocked(path: Path) -> None:
    fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(fd)


def fill(fd: int, source: BinaryIO) -> str:
    """Copy a stream into an open file. Returns the digest of the bytes. Raises OSError."""
    digest = hashlib.sha256()
    with os.fdopen(fd, "wb", buffering=0, closefd=False) as file:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            view = memoryview(chunk)
            while view:
                view = view[file.write(view) :]
    return digest.hexdigest()[:32]


def publish(temp: Path, name: str, folder: int, *, create: bool) -> None:
    """Give a finished file its name in an open folder, durably.

    Raises FileExistsError for `create` if the name exists. The caller holds the lock of the name, so a rename is
    sufficient if the file system has no hard links.
    """
    if create:
        try:
            os.link(temp, name, dst_dir_fd=folder)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            os.rename(temp, name, dst_dir_fd=folder)
    else:
        os.rename(temp, name, dst_dir_fd=folder)
    os.fsync(folder)
