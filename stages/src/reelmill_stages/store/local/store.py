"""A local folder as a store.

Objects are files. They are created atomically: written and synced in a hidden folder, and then linked or renamed. Every
change of a key is protected by a lock for that key, so conditions hold between threads, processes and, if the file
system shares locks, machines. Empty folders are removed, as in a bucket.
"""

import fcntl
import hashlib
import os
import stat as modes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from reelmill.contract.errors import KeyRefused, NotFound, PreconditionFailed, StoreError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.store import Problem, Stat
from reelmill_stages.store.keys import check_key, check_new_key, check_prefix, encode_metadata, key_problem
from reelmill_stages.store.local.errors import mapped
from reelmill_stages.store.local.folders import is_file, opened, refuse_links
from reelmill_stages.store.local.listing import HIDDEN, FolderEntry, folder_names, list_folder
from reelmill_stages.store.local.one_version import READS, always_changing, read_version
from reelmill_stages.store.local.record import Record, attach, record_of, side_file
from reelmill_stages.store.local.temporary import fill, publish, sweep, temporary

_LOCKS = 256


class LocalStore:
    """Implements `Store` for a folder, which is created by the first write.

    Parts of keys are file names: not empty, at most 255 bytes each, and no key may be a parent folder of another one.
    Reading follows links; writing, moving and deleting refuse them.
    """

    def __init__(self, root: Path | str, *, uri: str = "") -> None:
        self._root = Path(root).absolute()
        self._uri = uri or str(root)
        self._hidden = self._root / HIDDEN
        self._records = self._hidden / "records"
        self._swept = False

    @property
    def uri(self) -> str:
        return self._uri

    @property
    def remote(self) -> bool:
        return False

    @property
    def root(self) -> Path:
        """The folder."""
        return self._root

    def stat(self, key: str) -> Stat:
        path = self._path(key)
        with mapped(path):
            status = path.stat()
            record = record_of(path, status, self._records)
        return self._stat(key, path, status, record)

    def read(
        self, key: str, *, start: int = 0, length: int | None = None, if_match: str = "", version: str = ""
    ) -> bytes:
        if start < 0 or (length is not None and length < 0):
            raise ValueError("start and length count from 0")
        for _ in range(READS):
            with self.open(key, if_match=if_match, version=version) as file, mapped(self._path(key)):
                if (data := read_version(file, start, length)) is not None:
                    return data
        raise always_changing(self._path(key))

    @contextmanager
    def open(self, key: str, *, if_match: str = "", version: str = "") -> Iterator[BinaryIO]:
        path = self._path(key)
        self._only_version(path, version)
        with mapped(path):
            # O_NONBLOCK, so that opening a named pipe does not hang.
            file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
        with file:
            with mapped(path):
                status = os.fstat(file.fileno())
                record = record_of(file.fileno(), status, self._records)
            self._require_match(self._stat(key, path, status, record), if_match)
            yield file

    def fetch(self, key: str, folder: Path, *, if_match: str = "", version: str = "") -> Path:
        path = self._path(key)
        self._only_version(path, version)
        if if_match:
            self._require_match(self.stat(key), if_match)
        with mapped(path):
            found = path.stat()
        if not is_file(found):
            raise NotFound("no such object", where=str(path))
        return path

    def write(
        self,
        key: str,
        data: bytes | Path,
        *,
        create: bool = False,
        if_match: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> Stat:
        path = self._path(check_new_key(key))
        encode_metadata(metadata)
        if create and if_match:
            raise ValueError("create and if_match exclude each other")
        with mapped(path):
            refuse_links(self._root, (HIDDEN, "tmp"))
            refuse_links(self._root, (HIDDEN, "records"))
        if not self._swept:
            self._swept = True
            sweep(self._hidden / "tmp")
        with (
            data.open("rb") if isinstance(data, Path) else BytesIO(data) as source,
            mapped(path),
            temporary(self._hidden / "tmp") as (fd, temp),
        ):
            digest = fill(fd, source)
            record = Record(digest, dict(metadata or {}), written=digest, place=key)
            side = attach(fd, record, self._records)
            os.fsync(fd)
            try:
                self._publish(key, path, temp, create=create, if_match=if_match)
            except BaseException:
                if side:
                    side.unlink(missing_ok=True)
                raise
            return self._stat(key, path, os.fstat(fd), record)

    def list(self, prefix: str = "", *, follow_links: bool = True, problems: bool = False) -> Iterator[Stat]:
        with mapped(self._root / prefix):
            for entry in list_folder(self._root, prefix, follow_links=follow_links):
                stat = self._listed(entry)
                if stat is None:
                    continue
                if problems and not stat.problem and (problem := key_problem(stat.key)):
                    yield replace(stat, problem=Problem(ItemReason.BAD_PATH, problem))
                elif problems or not stat.problem:
                    yield stat
                elif not follow_links and entry.status:
                    yield replace(stat, foreign=True, problem=None)
                elif follow_links and stat.problem.reason != ItemReason.MISSING:
                    raise StoreError(
                        stat.problem.message, where=ascii(str(entry.path)), hint="rename it, or correct its permissions"
                    )

    def folders(self, prefix: str = "") -> Iterator[str]:
        folder = self._root / check_prefix(prefix)
        with mapped(folder), suppress(FileNotFoundError, NotADirectoryError):
            yield from folder_names(folder)

    def delete(self, key: str) -> None:
        path = self._path(key)
        *above, name = key.split("/")
        with mapped(path), suppress(FileNotFoundError, NotADirectoryError), opened(self._root, above) as folders:
            if not is_file(folders.status(name)):
                return
            with self._locked(key):
                if (status := folders.status(name)) is None or not is_file(status):
                    return
                os.unlink(name, dir_fd=folders.last)
                side_file(status, self._records).unlink(missing_ok=True)
                os.fsync(folders.last)
                folders.remove_empty()

    def move(self, key: str, to: str) -> None:
        source, target = self._path(key), self._path(check_new_key(to))
        *above, name = key.split("/")
        *above_target, new_name = to.split("/")
        try:
            with mapped(source), opened(self._root, above) as folders, self._locked(to):
                if (found := folders.status(name)) is None:
                    raise NotFound("no such object", where=str(source))
                if not is_file(found):
                    raise StoreError(
                        "this is a folder, link, pipe or device, not a file", where=str(source), hint="move it away"
                    )
                with opened(self._root, above_target, make=True) as there:
                    if there.status(new_name):
                        raise PreconditionFailed("the object exists already", where=str(target))
                    # The record moves as well: it is an attribute, or named after attributes that a rename keeps.
                    os.rename(name, new_name, src_dir_fd=folders.last, dst_dir_fd=there.last)
                    os.fsync(there.last)
                os.fsync(folders.last)
                folders.remove_empty()
        except NotADirectoryError as error:
            raise StoreError("an object is in the way of a folder", where=str(target)) from error

    def _listed(self, entry: FolderEntry) -> Stat | None:
        """Return the attributes of a listed entry; None if it no longer exists."""
        key, status = entry.key, entry.status
        if status is None:
            return Stat(key, 0, "", 0.0, foreign=True, problem=entry.problem)
        if modes.S_ISLNK(status.st_mode):
            return Stat(key, 0, "", status.st_mtime, foreign=True)
        try:
            record = record_of(entry.path, status, self._records)
        except FileNotFoundError:
            return None
        except PermissionError:
            denied = Problem(ItemReason.UNREADABLE, "permission denied")
            return Stat(key, status.st_size, "", status.st_mtime, problem=denied)
        return Stat(
            key,
            status.st_size,
            record.etag,
            status.st_mtime,
            foreign=record.foreign,
            copied=record.copied,
        )

    def _path(self, key: str) -> Path:
        parts = check_key(key).split("/")
        if "" in parts or HIDDEN in parts:
            raise KeyRefused(f"a folder cannot hold the key {key[:200]!r}", where=self._uri, hint="choose another name")
        return self._root.joinpath(*parts)

    def _stat(self, key: str, path: Path, status: os.stat_result, record: Record) -> Stat:
        if not is_file(status):
            what = "no such object" if modes.S_ISDIR(status.st_mode) else "a pipe, a socket or a device, not a file"
            raise NotFound(what, where=str(path))
        return Stat(
            key,
            status.st_size,
            record.etag,
            status.st_mtime,
            metadata=record.metadata,
            outdated=record.outdated,
            written=f"sha256:{record.written}" if record.written else "",
            place=record.place,
        )

    def _only_version(self, path: Path, version: str) -> None:
        if version:
            raise NotFound(f"no version {version!r}: a local folder has no versions", where=str(path))

    def _require_match(self, stat: Stat, if_match: str) -> None:
        if if_match and stat.etag != if_match:
            raise PreconditionFailed("the object has changed", where=str(self._path(stat.key)))

    def _publish(self, key: str, path: Path, temp: Path, *, create: bool, if_match: str) -> None:
        with self._locked(key):
            if path.is_dir() and not path.is_symlink():
                raise KeyRefused("a folder has the name of this object", where=str(path), hint="move it away")
            replaced: Path | None = None
            with suppress(FileNotFoundError, NotADirectoryError):
                replaced = side_file(path.lstat(), self._records)
            if create and replaced:
                raise PreconditionFailed("the object already exists", where=str(path))
            if if_match:
                self._require_match_on_write(key, path, if_match)
            self._place(key, path, temp, create=create)
            if replaced:
                replaced.unlink(missing_ok=True)

    def _require_match_on_write(self, key: str, path: Path, if_match: str) -> None:
        try:
            self._require_match(self.stat(key), if_match)
        except NotFound as error:
            raise PreconditionFailed("the object no longer exists", where=str(path)) from error

    def _place(self, key: str, path: Path, temp: Path, *, create: bool) -> None:
        *above, name = key.split("/")
        # A concurrent delete may remove the empty folder before it is used.
        for last in (False, False, False, True):
            try:
                with opened(self._root, above, make=True) as folders:
                    folders.status(name)
                    publish(temp, name, folders.last, create=create)
            except FileExistsError as error:
                raise PreconditionFailed("the object already exists", where=str(path)) from error
            except FileNotFoundError:
                if last:
                    raise
            except NotADirectoryError as error:
                raise KeyRefused("an object has the name of a folder", where=str(path)) from error
            else:
                return

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        folder = self._hidden / "locks"
        refuse_links(self._root, (HIDDEN, "locks"))
        folder.mkdir(parents=True, exist_ok=True)
        slot = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) % _LOCKS
        fd = os.open(folder / f"{slot:02x}", os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)
