"""The indexes of all data sets in use, made in the background and kept while there is space."""

import hashlib
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from reelmill.contract.errors import ReelmillError, SpecError
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.segment import Segment
from reelmill_stages.dashboard.errors import NotIndexed
from reelmill_stages.dashboard.index import schema
from reelmill_stages.dashboard.index.build import Builder, OtherData, forgotten_items
from reelmill_stages.dashboard.index.query import Reader
from reelmill_stages.dashboard.index.secondary import make_next
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.store import Store

FRESH_SECONDS = 3.0
"""Seconds after which a data set is checked again."""
PATIENCE_SECONDS = 0.25
"""Seconds that a page waits for an index: small data sets are read by then; of large ones, the page shows a part."""
MOST_BYTES = 8 << 30
"""Maximum size of all indexes in bytes; the least recently used one is removed first."""


@dataclass
class Index:
    """The index of one data set."""

    path: Path
    total: int = 0
    """Number of items of the data set."""
    segment: int = 0
    """Number of the last segment of the data set."""
    read: tuple[Segment | None, int | None] | None = None
    """The last segment, after it and all before it were read, and `forgotten_items` of the store."""
    error: str = ""
    """Why the data set could not be read completely."""
    looked: float = 0.0
    used: float = 0.0
    running: Future[None] | None = None
    wanted: set[str] = field(default_factory=set)
    """Columns that users have sorted or searched by."""
    following: Future[None] | None = None
    """The task that makes the secondary indexes."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_growing(self) -> bool:
        """Whether it is being read."""
        return self.running is not None and not self.running.done()

    @property
    def gap(self) -> str:
        """Why rows of the data set may be missing; empty if it had them all when it was last looked at.

        Ask before rows are read: an index can become complete between two questions, and the first then saw a part.
        """
        return self.error or ("" if self.read else "its rows are still being read; try again in a few seconds")


class Indexes:
    """All indexes, in one folder. Thread-safe.

    `most_bytes` is the maximum size of all of them, and `patience` is how long in seconds a page waits for an index.
    """

    def __init__(self, scratch: Path, *, most_bytes: int = MOST_BYTES, patience: float = PATIENCE_SECONDS) -> None:
        self._folder = scratch / "indexes"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._rows = scratch / "rows"
        shutil.rmtree(self._rows, ignore_errors=True)
        self._rows.mkdir()
        self._most, self._patience = most_bytes, patience
        self._known: dict[Path, Index] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="index")
        self._later = ThreadPoolExecutor(1, thread_name_prefix="secondary")
        self._submitted: set[Future[None]] = set()
        """Tasks that have not ended."""
        self._stop = threading.Event()

    def close(self, *, timeout: float | None = None) -> None:
        """Stop reading; what was read is kept. Reads and writes that have begun are awaited for `timeout` seconds."""
        self._stop.set()
        for pool in (self._pool, self._later):
            pool.shutdown(wait=False, cancel_futures=True)
        wait(list(self._submitted), timeout=timeout)

    @contextmanager
    def open(self, store: Store, names: DataSetPaths, columns: Sequence[str] = ()) -> Iterator[tuple[Reader, Index]]:
        """Open the index of a data set: a reader of the part that has been read so far, and its state.

        `columns` are fields by which it will be searched. Raises SpecError for a field that no item has, and NotIndexed
        if items with the field may not be read yet.
        """
        index = self._fresh(store, names)
        db = schema.read(index.path)
        try:
            gap, reader = index.gap, Reader(db)
            try:
                index.wanted |= set(reader.columns(columns))
            except SpecError as error:
                if gap:
                    raise NotIndexed(f"{error.what} so far: {gap}", where=names.name) from error
                raise
            yield reader, index
        finally:
            db.close()

    def _fresh(self, store: Store, names: DataSetPaths) -> Index:
        digest = hashlib.sha256(f"{store.uri}\0{names.name}\0{names.key}".encode()).hexdigest()[:32]
        path = self._folder / f"{digest}.db"
        with self._lock:
            index = self._known.get(path)
            if index is None:
                if path.exists() and not schema.has_version(path):
                    _remove(path)
                schema.create(path).close()
                index = self._known[path] = Index(path)
                self._remove_oldest(path)
            index.used = time.monotonic()
            if not index.is_growing and time.monotonic() - index.looked > FRESH_SECONDS:
                index.running = self._submit(self._pool, self._read, index, store, names)
        if index.running:
            wait([index.running], timeout=self._patience)
        return index

    def _submit(self, pool: ThreadPoolExecutor, task: Callable[..., None], *arguments: object) -> Future[None]:
        submitted = pool.submit(task, *arguments)
        self._submitted.add(submitted)
        submitted.add_done_callback(self._submitted.discard)
        return submitted

    def _read(self, index: Index, store: Store, names: DataSetPaths) -> None:
        try:
            data = DataSet(store, names, scratch=self._rows)
            last = data.last
            state = last, forgotten_items(store)
            if state != index.read:
                index.read = None
            index.total, index.segment = data.item_count, last.segment if last else 0
            if not index.read or index.error:
                with index.lock:
                    try:
                        self._build(index.path, data)
                    except OtherData:
                        _remove(index.path)
                        self._build(index.path, data)
                index.read, index.error = state, ""
        except ReelmillError as error:
            index.error = f"{error}; {error.hint}" if error.hint else str(error)
        except (OSError, sqlite3.Error) as error:
            index.error = f"the index cannot be written: {error}"
        except Exception as error:  # what was read is shown, and the page reports that there is more
            index.error = f"internal error: {type(error).__name__}: {error}"
        finally:
            index.looked = time.monotonic()
        with self._lock:
            self._remove_oldest(index.path)
            if not self._stop.is_set() and not (index.following and not index.following.done()):
                index.following = self._submit(self._later, self._index_in_background, index)

    def _index_in_background(self, index: Index) -> None:
        """Make secondary indexes step by step; between the steps, rows may be read and the index removed."""
        more = True
        while more and not self._stop.is_set():
            with index.lock:
                if self._known.get(index.path) is not index:
                    return
                db = schema.create(index.path)
                try:
                    more = make_next(db, index.wanted)
                except sqlite3.Error as error:
                    index.error = f"the index cannot be written: {error}"
                    return
                finally:
                    db.close()
        with self._lock:  # it may have blocked a newer one while it was written
            self._remove_oldest(max(self._known.values(), key=lambda each: each.used).path)

    def _build(self, path: Path, data: DataSet) -> None:
        db = schema.create(path)
        try:
            Builder(db, self._rows, stopped=self._stop.is_set).read(data)
        finally:
            db.close()

    def _remove_oldest(self, kept: Path) -> None:
        """Remove indexes until there is space for the others."""
        sizes = {path: path.stat().st_size for path in self._folder.glob("*.db")}
        for path in sorted(sizes, key=lambda each: self._known[each].used if each in self._known else 0.0):
            if sum(sizes.values()) <= self._most:
                return
            if path != kept and self._remove_index(path):
                sizes.pop(path)

    def _remove_index(self, path: Path) -> bool:
        """Remove an index. False: it is being written, and SQLite would remove the log of its successor at the end."""
        index = self._known.get(path)
        if index is None:
            _remove(path)
            return True
        if index.is_growing or not index.lock.acquire(blocking=False):
            return False
        try:
            del self._known[path]
            _remove(path)
        finally:
            index.lock.release()
        return True


def _remove(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).unlink()
