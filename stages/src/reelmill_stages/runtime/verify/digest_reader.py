"""Calculation of the digests of objects, with a rate limit."""

import threading
import time

from reelmill.contract.records.segment import Object
from reelmill_stages.runtime.context import Interrupted
from reelmill_stages.store import Store
from reelmill_stages.store.digests import object_digest


class Reading:
    """Reads objects, and counts them. Thread-safe.

    If the server computed a checksum when an object was written, the checksum is compared and the content is not read:
    it identifies the committed object, and the server protects its disks itself. With `read_all`, every byte is read.
    `max_rate` limits reading, in bytes per second. When `stop` is set, `digest` raises Interrupted.
    """

    def __init__(
        self,
        store: Store,
        max_rate: float | None = None,
        *,
        read_all: bool = False,
        stop: threading.Event | None = None,
    ) -> None:
        self.objects = self.bytes = self.by_checksum = 0
        self.stop = stop or threading.Event()
        self._store = store
        self._rate = max_rate
        self._read_all = read_all
        self._begun = time.monotonic()
        self._lock = threading.Lock()

    def digest(self, wanted: Object) -> tuple[str, int]:
        """(digest, size in bytes) of an object. Raises NotFound."""
        self._check_stop()
        if not self._read_all:
            stat = self._store.stat(wanted.key)
            if stat.checksum:
                with self._lock:
                    self.objects += 1
                    self.by_checksum += 1
                return stat.checksum, stat.size
        found = object_digest(self._store, wanted.key, passed=self.count_bytes)
        with self._lock:
            self.objects += 1
        return found

    def count_rows(self, rows: Object) -> None:
        """Count rows that the caller read and compared."""
        with self._lock:
            self.objects += 1
        self.count_bytes(rows.size)

    def count_bytes(self, size: int) -> None:
        """Count bytes that the caller read, and wait as required by the rate limit."""
        self._check_stop()
        with self._lock:
            self.bytes += size
            ahead = self.bytes / self._rate - (time.monotonic() - self._begun) if self._rate else 0.0
        if ahead > 0:
            self.stop.wait(ahead)

    def _check_stop(self) -> None:
        if self.stop.is_set():
            raise Interrupted("stopped", hint="run again to continue")
