"""Lists the objects of a local folder in key order, with one folder in memory at a time."""

import os
import stat as modes
from collections.abc import Iterator
from pathlib import Path

from reelmill.contract.errors import StoreError
from reelmill_stages.store.keys import check_prefix
from reelmill_stages.store.local.folders import refuse_links

HIDDEN = ".reelmill-store"
"""Name of the folder for temporary files, locks and records, which is never listed."""


def list_folder(root: Path, prefix: str, *, follow_links: bool = True) -> Iterator[tuple[str, Path, os.stat_result]]:
    """(key, path, status) of every file whose key begins with `prefix`.

    Symbolic links are followed, except for loops; broken links and special files are ignored. A missing folder is
    empty. Raises OSError, and StoreError for a name that is not valid UTF-8.

    Without `follow_links` a link is an entry of its own, and nothing behind one is looked at; folders that may not be
    read and names that are no valid text are passed over: no writer of a store made them.
    """
    above, _, beginning = check_prefix(prefix).rpartition("/")
    folder = root / above if above else root
    if not follow_links:
        try:
            refuse_links(root, above.split("/") if above else ())
        except (StoreError, NotADirectoryError):
            return
    yield from _walk(folder, f"{above}/" if above else "", beginning, (), follow_links=follow_links)


def _walk(
    folder: Path, key: str, beginning: str, above: tuple[tuple[int, int], ...], *, follow_links: bool
) -> Iterator[tuple[str, Path, os.stat_result]]:
    try:
        status = folder.stat()
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            return
        with os.scandir(folder) as entries:
            names = [
                (e.name, e.is_dir(follow_symlinks=follow_links))
                for e in entries
                if e.name.startswith(beginning) and e.name != HIDDEN
            ]
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError:
        if follow_links:
            raise
        return
    # Folders are sorted by their names with a trailing slash, as in keys.
    for name in sorted(f"{name}/" if is_folder else name for name, is_folder in names):
        if name.endswith("/"):
            yield from _walk(folder / name, key + name, "", (*above, identity), follow_links=follow_links)
        else:
            yield from _file(folder / name, key + name, follow_links=follow_links)


def _file(path: Path, key: str, *, follow_links: bool) -> Iterator[tuple[str, Path, os.stat_result]]:
    try:
        key.encode()
    except UnicodeEncodeError as error:
        if not follow_links:
            return
        raise StoreError("a file name is not valid UTF-8", where=ascii(str(path)), hint="rename the file") from error
    try:
        status = path.stat(follow_symlinks=follow_links)
    except (FileNotFoundError, NotADirectoryError):
        return
    if modes.S_ISREG(status.st_mode) or modes.S_ISLNK(status.st_mode):
        yield key, path, status
