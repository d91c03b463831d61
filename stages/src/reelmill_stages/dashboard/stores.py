"""The stores of the pipelines, each opened once, for reading only.

A step waits for minutes for a server that is down. A page fails soon, because the user can reload it.
"""

import threading
from collections.abc import Mapping

from reelmill.contract.task import StoreRef, Task
from reelmill_stages.store import Store
from reelmill_stages.store.open import bucket_store, is_bucket, open_store
from reelmill_stages.store.read_only import ReadOnly
from reelmill_stages.store.retry import Patience

CONNECT, READ = 3.0, 15.0
"""Seconds for one attempt to connect, and to receive the first byte."""
ATTEMPTS, SECONDS = 3, 4.0
"""Number of attempts, and seconds after which no new one begins."""


class OpenStores:
    """Stores by their address and connection. Thread-safe."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self._open: dict[StoreRef, Store] = {}
        self._lock = threading.Lock()

    def of(self, task: Task) -> Store:
        """Return the store of a task. Raises SpecError for an invalid address; no request is sent."""
        return self.at(task.store)

    def at(self, ref: StoreRef) -> Store:
        """Return the store at an address."""
        with self._lock:
            if ref not in self._open:
                self._open[ref] = ReadOnly(_open(ref, self.env))
            return self._open[ref]


def _open(ref: StoreRef, env: Mapping[str, str]) -> Store:
    if not is_bucket(ref.uri):
        return open_store(ref, env=env)
    return bucket_store(ref, env, timeouts=(CONNECT, READ), patience=Patience(attempts=ATTEMPTS, seconds=SECONDS))
