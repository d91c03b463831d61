"""The folder in which a dashboard stores indexes and pictures: temporary or permanent.

A permanent folder contains a mark, because its files are removed when there are too many of them.
"""

import contextlib
import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

from reelmill.contract.errors import SpecError

MARK = ".reelmill-dashboard"
_LOCK = "lock"
_FORMER = frozenset({_LOCK, "indexes", "rows", "posters"})
"""Files in the folder of version 0.1.0, which wrote no mark."""
_OF_DISKS = "lost+found"
_HINT = "choose another --scratch"


@contextlib.contextmanager
def scratch_folder(folder: str) -> Iterator[Path]:
    """Yield the folder at a path, locked; an empty path stands for a temporary folder.

    Raises SpecError for a folder that contains other files, is used by another dashboard, or is not writable.
    """
    if not folder:
        with tempfile.TemporaryDirectory(prefix="reelmill-dashboard-", ignore_cleanup_errors=True) as temporary:
            yield Path(temporary)
        return
    path = Path(folder).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not _is_scratch_folder(path):
            raise SpecError(
                "the scratch folder contains something else", where=folder, hint=f"{_HINT}, such as a new one"
            )
        (path / MARK).touch()
        lock = (path / _LOCK).open("w")
    except OSError as error:
        raise SpecError(f"the scratch folder cannot be used: {error.strerror}", where=folder, hint=_HINT) from error
    with lock:  # two writers would damage an index
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SpecError("another dashboard uses this scratch folder", where=folder, hint=_HINT) from error
        yield path


def _is_scratch_folder(path: Path) -> bool:
    """Return whether a folder is empty, or was used by a dashboard before."""
    names = {entry.name for entry in path.iterdir()} - {_OF_DISKS}
    if MARK in names or not names:
        return True
    rows, lock = path / "rows", path / _LOCK
    was_empty = not rows.exists() or not any(rows.iterdir())
    return names <= _FORMER and was_empty and lock.is_file() and lock.stat().st_size == 0
