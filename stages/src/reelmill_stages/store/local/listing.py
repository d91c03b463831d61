"""Lists the objects of a local folder in key order, with only the open folders in memory.

Links are followed if this terminates: a folder is never entered within itself. A link to a folder that is reached
behind another link is followed only out of the listed tree, and only once for each folder. The targets of other links
are listed under another path anyway.
"""

import errno
import os
import stat as modes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reelmill.contract.errors import StoreError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.store import Problem
from reelmill_stages.store.keys import check_prefix
from reelmill_stages.store.local.folders import refuse_links

HIDDEN = ".reelmill-store"
"""Name of the folder for temporary files, locks and records, which is never listed."""

_Identity = tuple[int, int]
_GONE = (FileNotFoundError, NotADirectoryError)
_PROBLEMS = {
    errno.ELOOP: (ItemReason.MISSING, "the link leads back to itself"),
    errno.EACCES: (ItemReason.UNREADABLE, "permission denied"),
    errno.EPERM: (ItemReason.UNREADABLE, "permission denied"),
    errno.ENAMETOOLONG: (ItemReason.BAD_PATH, "the path is too long for this system"),
}


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """A file below a folder, or a link if links are not followed; `status` is None if there is a problem."""

    key: str
    path: Path
    status: os.stat_result | None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class _Child:
    name: str
    text: str
    """The name as valid text, with invalid bytes escaped."""
    is_folder: bool
    is_link: bool
    problem: Problem | None


@dataclass(slots=True)
class _Open:
    """An open folder, and its entries that are not yet listed."""

    path: Path
    key: str
    """Key of the folder with a slash at its end; empty for the root."""
    identity: _Identity
    left: Iterator[_Child]
    linked: set[_Identity] | None
    """The folders that were entered behind the link through which this one was reached; None if there is no such link.
    """


def list_folder(root: Path, prefix: str, *, follow_links: bool = True) -> Iterator[FolderEntry]:
    """Yield every file whose key begins with `prefix`, and every entry that is not a file or cannot be read as one.

    A missing folder is empty. Without `follow_links`, a link is an entry, and nothing behind it is examined. Raises
    OSError, also if the listed folder itself cannot be read.
    """
    above, _, beginning = check_prefix(prefix).rpartition("/")
    folder = root / above if above else root
    if not follow_links:
        try:
            refuse_links(root, above.split("/") if above else ())
        except (StoreError, NotADirectoryError):
            return
    try:
        top = _opened(folder, f"{above}/" if above else "", beginning, None, follow_links=follow_links)
    except _GONE:
        return
    yield from _Walk(top, follow_links=follow_links).entries()


def folder_names(folder: Path) -> list[str]:
    """Return the names of the folders in a folder, sorted, without the hidden one and invalid names. Raises OSError."""
    with os.scandir(folder) as entries:
        found = [_child(entry, follow_links=True) for entry in entries if entry.name != HIDDEN]
    return sorted(child.name for child in found if child.is_folder and not child.problem)


class _Walk:
    """One listing."""

    def __init__(self, top: _Open, *, follow_links: bool) -> None:
        self._follow_links = follow_links
        self._tree = os.path.realpath(top.path)
        self._open = [top]
        self._chain = {top.identity}

    def entries(self) -> Iterator[FolderEntry]:
        while self._open:
            current = self._open[-1]
            child = next(current.left, None)
            if child is None:
                self._chain.discard(self._open.pop().identity)
                continue
            path, key = current.path / child.name, current.key + child.text
            if child.problem:
                yield FolderEntry(key, path, None, child.problem)
            elif child.is_folder:
                yield from self._folder(child, path, key, current)
            else:
                yield from self._file(child, path, key)

    def _folder(self, child: _Child, path: Path, key: str, above: _Open) -> Iterator[FolderEntry]:
        """Enter a folder; yields an entry only if that is not possible."""
        try:
            identity = _identity(path)
            if identity in self._chain:
                return
            if child.is_link and above.linked is not None and (identity in above.linked or self._is_in_tree(path)):
                return
            linked = set[_Identity]() if child.is_link and above.linked is None else above.linked
            entered = _opened(path, f"{key}/", "", linked, follow_links=self._follow_links)
        except _GONE:
            return
        except OSError as error:
            yield FolderEntry(key, path, None, _problem(error, is_folder=True))
            return
        if linked is not None:
            linked.add(identity)
        self._chain.add(identity)
        self._open.append(entered)

    def _file(self, child: _Child, path: Path, key: str) -> Iterator[FolderEntry]:
        try:
            status = path.stat(follow_symlinks=self._follow_links)
        except _GONE:
            if child.is_link and os.path.lexists(path):
                # If the target is on a disk that is not mounted, a name without extension may be that of a folder.
                nowhere = Problem(ItemReason.MISSING, f"the link leads nowhere: {_link_target(path)}", not path.suffix)
                yield FolderEntry(key, path, None, nowhere)
            return
        except OSError as error:
            yield FolderEntry(key, path, None, _problem(error, is_folder=False))
            return
        if modes.S_ISREG(status.st_mode) or modes.S_ISLNK(status.st_mode):
            yield FolderEntry(key, path, status)
        elif not modes.S_ISDIR(status.st_mode):
            special = Problem(ItemReason.MISSING, "a pipe, a socket or a device, not a file", is_folder=False)
            yield FolderEntry(key, path, None, special)

    def _is_in_tree(self, path: Path) -> bool:
        return f"{os.path.realpath(path)}/".startswith(f"{self._tree.rstrip('/')}/")


def _opened(path: Path, key: str, beginning: str, linked: set[_Identity] | None, *, follow_links: bool) -> _Open:
    with os.scandir(path) as entries:
        found = [
            _child(entry, follow_links=follow_links)
            for entry in entries
            if entry.name.startswith(beginning) and entry.name != HIDDEN
        ]
    # Folders are sorted by their names with a trailing slash, as in keys.
    found.sort(key=lambda child: f"{child.name}/" if child.is_folder else child.name)
    return _Open(path, key, _identity(path), iter(found), linked)


def _child(entry: os.DirEntry[str], *, follow_links: bool) -> _Child:
    is_folder, problem = False, None
    try:
        is_folder = entry.is_dir(follow_symlinks=follow_links)
    except OSError as error:
        problem = _problem(error, is_folder=False)
    text = os.fsencode(entry.name).decode(errors="backslashreplace")
    if text != entry.name:
        problem = Problem(ItemReason.BAD_PATH, f"the name is not valid UTF-8: {text}", is_folder)
    return _Child(entry.name, text, is_folder, entry.is_symlink(), problem)


def _identity(path: Path) -> _Identity:
    status = path.stat()
    return status.st_dev, status.st_ino


def _problem(error: OSError, *, is_folder: bool) -> Problem:
    """Return the problem of an entry. Raises the error if it is one of the machine."""
    if error.errno not in _PROBLEMS:
        raise error
    reason, message = _PROBLEMS[error.errno]
    return Problem(reason, message, is_folder)


def _link_target(path: Path) -> str:
    return os.fsencode(path.readlink()).decode(errors="backslashreplace")
