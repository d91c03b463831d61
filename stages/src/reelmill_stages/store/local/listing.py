"""The objects of a folder in key order, one folder in memory at a time."""

import os
import stat as modes
from collections.abc import Iterator
from pathlib import Path

from reelmill.contract.errors import StoreError
from reelmill_stages.store.keys import check_prefix

HIDDEN = ".reelmill-store"
"""Folder for what the store itself needs: temporary files, locks, records. Never listed, at any depth."""


def list_folder(root: Path, prefix: str) -> Iterator[tuple[str, Path, os.stat_result]]:
    """(key, path, status) of every file whose key begins with `prefix`.

    Links are followed, loops are not; broken links and special files are no objects. A missing folder is empty.
    Raises OSError, and StoreError for a name that is no valid text.
    """
    above, _, beginning = check_prefix(prefix).rpartition("/")
    folder = root / above if above else root
    yield from _walk(folder, f"{above}/" if above else "", beginning, ())


def _walk(
    folder: Path, key: str, beginning: str, above: tuple[tuple[int, int], ...]
) -> Iterator[tuple[str, Path, os.stat_result]]:
    try:
        status = folder.stat()
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            return
        with os.scandir(folder) as entries:
            names = [(e.name, e.is_dir()) for e in entries if e.name.startswith(beginning) and e.name != HIDDEN]
    except (FileNotFoundError, NotADirectoryError):
        return
    # A folder sorts as its name with the slash that its keys have there.
    for name in sorted(f"{name}/" if is_folder else name for name, is_folder in names):
        if name.endswith("/"):
            yield from _walk(folder / name, key + name, "", (*above, identity))
        else:
            yield from _file(folder / name, key + name)


def _file(path: Path, key: str) -> Iterator[tuple[str, Path, os.stat_result]]:
    try:
        key.encode()
    except UnicodeEncodeError as error:
        raise StoreError(
            "a file name is not valid UTF-8", where=ascii(str(path)), hint="rename the file: keys are text"
        ) from error
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return
    if modes.S_ISREG(status.st_mode):
        yield key, path, status
