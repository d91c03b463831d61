"""`reelmill check --deep`: reads every committed object and compares it with its digest."""

import json
import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from reelmill.contract.commands.result_rows import DamageRow, IntegrityResult
from reelmill.contract.errors import SpecError
from reelmill.contract.records.segment import Object
from reelmill.contract.task import Task
from reelmill_stages.commands.entry import data_set, entries, store_of
from reelmill_stages.commands.integrity.damaged_objects import damaged_objects
from reelmill_stages.store import Store
from reelmill_stages.store.digests import object_digest
from reelmill_stages.store.local.errors import mapped


def integrity(
    task: Task,
    env: Mapping[str, str],
    *,
    names: Collection[str] = (),
    max_rate: float | None = None,
    progress: Path | None = None,
) -> IntegrityResult:
    """Check the data sets of all sources and stages, or of those named.

    `max_rate` limits reading, in bytes per second. `progress` is a local file with what was read and found whole: a
    later call with the same file continues an interrupted check, and a check that ends deletes it. Raises SpecError for
    a file that is something else, and TransientError if the store does not answer.
    """
    store = store_of(task, env)
    reading = Reading(store, max_rate, progress)
    rows = [
        DamageRow(stage=entry.name, key=found.key, problem=found.error.what, remedy=found.error.hint)
        for entry in entries(task)
        if not names or entry.name in names
        for found in damaged_objects(data_set(store, entry), reading.read)
    ]
    reading.end()
    return IntegrityResult(objects=reading.objects, bytes=reading.bytes, earlier=reading.earlier, damage=rows)


class Reading:
    """Reads objects within a rate, and notes those that are whole. Thread-safe."""

    def __init__(self, store: Store, max_rate: float | None, progress: Path | None = None) -> None:
        self.objects = self.bytes = self.earlier = 0
        self._store = store
        self._rate = max_rate
        self._begun = time.monotonic()
        self._lock = threading.Lock()
        self._path = progress
        self._whole = _earlier(progress, store.uri) if progress else set()
        if progress:
            with mapped(progress):
                self._file = progress.open("a")
                if not self._whole:
                    self._note({"store": store.uri})

    def read(self, wanted: Object) -> tuple[str, int]:
        if (wanted.key, wanted.digest) in self._whole:
            with self._lock:
                self.earlier += 1
            return wanted.digest, wanted.size
        digest, size = object_digest(self._store, wanted.key, passed=self._passed)
        with self._lock:
            self.objects += 1
            if self._path and (digest, size) == (wanted.digest, wanted.size):
                self._note({"key": wanted.key, "digest": digest})
        return digest, size

    def end(self) -> None:
        """The check is complete: its progress is not needed any more."""
        if self._path:
            self._file.close()
            self._path.unlink(missing_ok=True)

    def _passed(self, size: int) -> None:
        with self._lock:
            self.bytes += size
            ahead = self.bytes / self._rate - (time.monotonic() - self._begun) if self._rate else 0.0
        if ahead > 0:
            time.sleep(ahead)

    def _note(self, row: Mapping[str, str]) -> None:
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()


def _earlier(path: Path, uri: str) -> set[tuple[str, str]]:
    """(key, digest) of the objects that an interrupted check of this store found whole."""
    with mapped(path):
        if not path.exists():
            return set()
        lines = path.read_text(errors="replace").splitlines()
    rows = []
    for line in lines:
        try:
            rows.append(json.loads(line))
        except ValueError:
            # The last line of an interrupted check may be cut off; any other file has no first line of ours.
            continue
    if lines and (not rows or not isinstance(rows[0], dict) or rows[0].get("store") != uri):
        raise SpecError("this is not the progress of a check of this store", where=str(path), hint="name another file")
    return {(row["key"], row["digest"]) for row in rows[1:]}
