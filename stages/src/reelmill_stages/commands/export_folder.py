"""The folder of an export: its mark lists the files that exports wrote, and no others are replaced.

A name is listed before its file appears, so files of an interrupted export are recognised.
"""

import fcntl
import json
import os
import re
import shutil
import stat as modes
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from reelmill.contract.errors import SpecError
from reelmill_stages.store.digests import SUMS, read_sum, sum_line
from reelmill_stages.store.local.errors import mapped
from reelmill_stages.store.local.folders import opened
from reelmill_stages.store.local.temporary import STALE_SECONDS

MARK = ".reelmill-export.json"
"""Identifies the data set of an export, so that two are never mixed in a folder, and lists the files written."""

_INCOMING = ".incoming-"
_LEFT = re.compile(r"\.incoming-[a-z0-9_]{8}")
"""Names of folders for incomplete files, as tempfile makes them."""


@dataclass(frozen=True, slots=True)
class ExportFolder:
    """A folder that is marked as the export of one data set. Names in it use `/`."""

    path: Path
    written: frozenset[str]
    """Names of files that exports wrote here, or are about to write."""

    @classmethod
    def claimed(cls, path: Path, name: str, key: str, names: Collection[str], state: str = "") -> Self:
        """Create the folder, or take over an earlier export; `names` are the files that will be written.

        An export of a frozen state is taken over only by one of the same `state`, so that it has no files of others.

        Raises SpecError for a folder with other contents.
        """
        mine = {"name": name, "key": key} | ({"state": state} if state else {})
        with mapped(path):
            if path.exists() and not path.is_dir():
                raise SpecError("this is a file, not a folder", where=str(path), hint="name a new folder")
            mark = _read(path / MARK)
            if mark is None and path.exists() and not is_unused(path):
                raise SpecError("the folder is not empty", where=str(path), hint="name a new one")
            if mark and {field: mark[field] for field in ("name", "key", "state") if field in mark} != mine:
                raise SpecError(
                    "the folder contains the export of another data set or state",
                    where=str(path),
                    hint="name another",
                )
            if taken := {MARK, SUMS}.intersection(names):
                raise SpecError(f"a file of this data set is called {min(taken)}", where=f"{name}/{key}")
            path.mkdir(parents=True, exist_ok=True)
            (path / SUMS).unlink(missing_ok=True)
            _remove_abandoned(path)
            before = {str(each) for each in mark.get("files", ())} if mark else set()
            written = before | {each for each in names if not os.path.lexists(path / each)}
            place = cls(path, frozenset(written))
            if mark is None or written != before:
                with place.incoming() as folder:
                    (folder / MARK).write_text(json.dumps({**mine, "files": sorted(written)}) + "\n")
                    (folder / MARK).rename(path / MARK)
        return place

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """Context manager: an empty folder on the same file system, for an incomplete file."""
        with incoming_below(self.path) as folder:
            yield folder

    def sealed(self, digests: Mapping[str, str]) -> None:
        """Mark the export as complete: write the digests of its files, so that readers can compare them."""
        seal(self.path, digests)

    def has(self, name: str, size: int) -> bool:
        """Whether an export already wrote this file, with this size."""
        path = self.path / name
        return name in self.written and path.is_file() and path.stat().st_size == size

    def put(self, name: str, incoming: Path, *, keep: Callable[[Path], bool]) -> None:
        """Move a finished file into place; an earlier file of an export is replaced.

        A file from elsewhere is kept if `keep` accepts it. Raises SpecError if it does not, and StoreError for a link
        among the parent folders.
        """
        path = self.path / name
        *above, last = name.split("/")
        with mapped(path), opened(self.path, above, make=True) as folders:
            try:
                found = os.stat(last, dir_fd=folders.last, follow_symlinks=False)
            except FileNotFoundError:
                found = None
            if found and (name not in self.written or modes.S_ISDIR(found.st_mode)):
                if not modes.S_ISDIR(found.st_mode) and keep(path):
                    return
                raise SpecError(
                    "a file that this export did not write is in the way",
                    where=str(path),
                    hint="move it away, or export into a new folder",
                )
            os.rename(incoming, last, dst_dir_fd=folders.last)


@contextmanager
def incoming_below(folder: Path) -> Iterator[Path]:
    """Context manager: an empty, locked subfolder for incomplete files. It remains if the process is killed."""
    with tempfile.TemporaryDirectory(prefix=_INCOMING, dir=folder) as path, ExitStack() as lock:
        with suppress(OSError):  # some network file systems have no locks; there, `_remove_abandoned` removes nothing
            lock.enter_context(_folder_lock(Path(path)))
        yield Path(path)


@contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    """Raises BlockingIOError if another process has locked the folder, and OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)


def _remove_abandoned(folder: Path) -> None:
    """Remove subfolders of killed exports: those that are old enough and not locked. Others are kept."""
    for path in folder.iterdir():
        with suppress(OSError):
            if _LEFT.fullmatch(path.name) and time.time() - path.lstat().st_mtime > STALE_SECONDS:
                with _folder_lock(path):
                    shutil.rmtree(path)


def is_unused(folder: Path) -> bool:
    """Whether a folder is empty, except for incomplete files of a process that was killed."""
    return all(_LEFT.fullmatch(path.name) and path.is_dir() and not path.is_symlink() for path in folder.iterdir())


def exported(folder: Path, name: str, key: str) -> dict[str, str] | None:
    """Name -> digest of the files of a complete export of this data set; None if the folder has no export.

    Raises SpecError for the export of another data set, and for an incomplete one.
    """
    mark = _read(folder / MARK)
    if mark is None:
        return None
    if (mark.get("name"), mark.get("key")) != (name, key):
        raise SpecError(
            "the folder contains the export of another data set",
            where=str(folder),
            hint="name another folder, or export the stage into a new one",
        )
    try:
        with (folder / SUMS).open(encoding="utf-8") as file:
            return dict(map(read_sum, file))
    except (FileNotFoundError, ValueError) as error:
        raise SpecError(
            "the export in this folder is not complete", where=str(folder), hint="export the stage again"
        ) from error


def seal(folder: Path, digests: Mapping[str, str]) -> None:
    """Write the digests of the files of an export, so that readers can compare them."""
    with mapped(folder), incoming_below(folder) as incoming:
        new = incoming / SUMS
        new.write_text("".join(sum_line(name, digest) for name, digest in digests.items()))
        new.rename(folder / SUMS)


def _read(mark: Path) -> dict[str, Any] | None:
    """The contents of the mark. Raises SpecError if it cannot be read."""
    try:
        found = json.loads(mark.read_text())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("files", []), list):
        raise SpecError("the mark of this export cannot be read", where=str(mark), hint="export into a new folder")
    return found
