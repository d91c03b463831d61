"""Checkpoints of a shard in the store, so that little work is repeated after the loss of a pod.

Each run writes a separate file and replaces it as it grows; a new run reads the files of all earlier runs. The payload
of a stage with `assemble` is not in the store, so a new run repeats its done items; other outcomes are reused, so that
an item that hangs is not tried again.
"""

import shutil
import tempfile
import time
from pathlib import Path

from reelmill.contract.errors import NotFound
from reelmill.contract.records.layout import SegmentPaths
from reelmill_stages.records.row_files import RowFile
from reelmill_stages.runtime.shards.outcomes import AGAIN, SettledInputFiles
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address, refuse_misplaced_key


class Checkpoint:
    """The checkpoint of one run. Not thread-safe."""

    def __init__(self, store: Store, paths: SegmentPaths, shard: int, run: str, folder: Path, seconds: float) -> None:
        self._store = store
        self._key = paths.checkpoint(shard, run)
        self._seconds = seconds
        self._file = RowFile(folder / "checkpoint.jsonl")
        self._written = 0
        self._last = time.monotonic()

    def append(self, line: bytes) -> None:
        """Add the row of a finished input."""
        self._file.append_line(line)

    def tick(self) -> None:
        """Write if the interval has passed and there are new outcomes."""
        if time.monotonic() - self._last >= self._seconds:
            self.write()

    def write(self) -> None:
        """Write if there are new outcomes."""
        self._last = time.monotonic()
        if self._file.count > self._written:
            self._file.flush()
            self._written = self._file.count
            self._store.write(self._key, self._file.path)

    def forget(self) -> None:
        """Delete the checkpoint of this run because it is not valid."""
        self._written = self._file.count
        self._store.delete(self._key)

    def close(self) -> None:
        self._file.close()


def read_checkpoints(store: Store, paths: SegmentPaths, shard: int, scratch: Path) -> SettledInputFiles:
    """The outcomes in the checkpoints of all earlier runs of a shard. Raises StoreDamaged for an invalid file."""
    folder = Path(tempfile.mkdtemp(prefix="checkpoints-", dir=scratch))
    found = SettledInputFiles()
    for number, stat in enumerate(store.list(paths.checkpoints(shard))):
        if not paths.is_checkpoint(stat.key):
            continue
        copy = folder / f"{number}.jsonl"
        try:
            refuse_misplaced_key(store, stat.key, AGAIN)
            # Copied because another pod may replace it while it is read.
            copy.write_bytes(store.read(stat.key))
        except NotFound:
            continue
        found.add(copy, address(store, stat.key), below=f"{paths.root}/")
    if not len(found):
        shutil.rmtree(folder)
    return found
