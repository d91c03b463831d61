"""What a shard has finished so far, in the store, so that a lost pod redoes at most what was in flight.

Each run writes one file of its own and replaces it as it grows; a new run reads those of all runs before it. A stage
that assembles keeps its payload on this machine only: of its checkpoints a new run takes over what is not done (a
hanging item is not tried again), and does what was done again.
"""

import shutil
import tempfile
import time
from pathlib import Path

from reelmill.contract.errors import NotFound
from reelmill.contract.layout import SegmentPaths
from reelmill_stages.records.rows import RowFile
from reelmill_stages.runtime.shards.outcomes import SettledInput, SettledInputFiles
from reelmill_stages.store import Store


class Checkpoint:
    """The checkpoint of one run. Used by one thread at a time."""

    def __init__(self, store: Store, paths: SegmentPaths, shard: int, run: str, folder: Path, seconds: float) -> None:
        self._store = store
        self._key = paths.checkpoint(shard, run)
        self._seconds = seconds
        self._file = RowFile(folder / "checkpoint.jsonl")
        self._written = 0
        self._last = time.monotonic()

    def append(self, settled: SettledInput) -> None:
        self._file.append(settled.to_json())

    def tick(self) -> None:
        """Write when it is time and there is something new."""
        if time.monotonic() - self._last >= self._seconds:
            self.write()

    def write(self) -> None:
        """Write what is new."""
        self._last = time.monotonic()
        if self._file.count > self._written:
            self._file.flush()
            self._written = self._file.count
            self._store.write(self._key, self._file.path)

    def forget(self) -> None:
        """Take this run's checkpoint back: what it says is not to be believed."""
        self._written = self._file.count
        self._store.delete(self._key)

    def close(self) -> None:
        self._file.close()


def read_checkpoints(store: Store, paths: SegmentPaths, shard: int, scratch: Path) -> SettledInputFiles:
    """What all earlier runs of a shard finished."""
    folder = Path(tempfile.mkdtemp(prefix="checkpoints-", dir=scratch))
    found = SettledInputFiles()
    for number, stat in enumerate(store.list(paths.checkpoints(shard))):
        copy = folder / f"{number}.jsonl"
        try:
            # Copied, because a twin may be replacing it while it is read.
            copy.write_bytes(store.read(stat.key))
        except NotFound:
            continue
        found.add(copy)
    if not len(found):
        shutil.rmtree(folder)
    return found
