"""The folders between a root and a file, opened one name at a time and never through a link.

Listing and reading follow links, because footage may be anywhere. All code that writes, moves or deletes uses this
module, because the target of a link does not belong to the store. The root itself, which the user configured, may be a
link.
"""

import os
import stat as modes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from reelmill.contract.errors import StoreError


@dataclass(frozen=True, slots=True)
class Folders:
    """Open folders from the root down: `fds[0]` is the root, `fds[n]` lies in `fds[n - 1]` under `names[n - 1]`."""

    root: Path
    names: tuple[str, ...]
    fds: tuple[int, ...]

    @property
    def last(self) -> int:
        return self.fds[-1]

    def status(self, name: str) -> os.stat_result | None:
        """Return the status of a name in the last folder, or None. Raises StoreError for a link."""
        try:
            status = os.stat(name, dir_fd=self.last, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if modes.S_ISLNK(status.st_mode):
            raise _link_error(self.root.joinpath(*self.names, name))
        return status

    def remove_empty(self) -> None:
        """Remove the folders that are empty, the last one first; the root stays."""
        with suppress(OSError):
            for name, above in zip(reversed(self.names), reversed(self.fds[:-1]), strict=True):
                os.rmdir(name, dir_fd=above)


@contextmanager
def opened(root: Path, names: Sequence[str], *, make: bool = False) -> Iterator[Folders]:
    """Open the folders of a path below `root`; with `make`, create them durably.

    Raises StoreError if one of them is a link, FileNotFoundError if one is missing, NotADirectoryError if one is a
    file.
    """
    fds = [os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
    try:
        for number, name in enumerate(names):
            fds.append(_open_child(fds[-1], name, root.joinpath(*names[: number + 1]), make=make))
        yield Folders(root, tuple(names), tuple(fds))
    finally:
        for fd in fds:
            os.close(fd)


def refuse_links(root: Path, names: Sequence[str]) -> None:
    """Raise StoreError if a folder below `root` is a link; missing folders are allowed."""
    with suppress(FileNotFoundError), opened(root, names):
        pass


def is_file(status: os.stat_result | None) -> bool:
    """Return whether the status is that of a regular file."""
    return status is not None and modes.S_ISREG(status.st_mode)


def _open_child(above: int, name: str, path: Path, *, make: bool) -> int:
    try:
        return _open(above, name, path)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=above)
        os.fsync(above)
    return _open(above, name, path)


def _open(above: int, name: str, path: Path) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    except OSError:
        with suppress(FileNotFoundError):
            if modes.S_ISLNK(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
                raise _link_error(path) from None
        raise


def _link_error(path: Path) -> StoreError:
    return StoreError(
        "a link is in the way: reelmill neither writes nor deletes through links",
        where=str(path),
        hint="remove the link, or replace it by its target",
    )
