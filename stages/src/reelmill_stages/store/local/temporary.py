"""How a file of a folder store comes to be: filled and synced out of sight, then put in its place in one step.

Temporary files are locked while their writer lives, so that what a killed one left can be told apart and swept.
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
"""Age below which an unlocked temporary file is left alone: its writer may be between creating and locking it."""


@contextmanager
def temporary(folder: Path) -> Iterator[tuple[int, Path]]:
    """An open, locked, empty file in `folder`; removed at the end under this name. Raises OSError."""
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
    """Remove what killed writers left: files named as `temporary` names them, old enough and locked by nobody.

    What cannot be looked at stays, and so does everything else that lies there.
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
    """Copy a stream into an open file; gives the digest of the bytes. Raises OSError."""
    digest = hashlib.sha256()
    with os.fdopen(fd, "wb", buffering=0, closefd=False) as file:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            view = memoryview(chunk)
            while view:
                view = view[file.write(view) :]
    return digest.hexdigest()[:32]


def publish(temp: Path, name: str, folder: int, *, create: bool) -> None:
    """Give a finished file its name in an open folder, for good.

    Raises FileExistsError for `create` when the name is taken. The caller holds the lock of the name, so where the file
    system has no hard links a rename does as well.
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
